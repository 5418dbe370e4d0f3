#include "t.h"
static long (*const h)(u64, u64) = (void *)1;
SEC("run") int p(struct t_ctx *ctx) { return h(ctx->a, 0); }
