#include "t.h"
STAMP(0, "t@T_1");
static long (*const h)(u64) = (void *)1;
static long (*const h2)(void) = (void *)2;
SEC("run") int p(struct t_ctx *ctx) { return h2() + h(2); }
SEC("run/second") int q(struct t_ctx *ctx) { return h2(); }
