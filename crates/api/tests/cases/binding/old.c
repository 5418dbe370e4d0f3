#include "t.h"
STAMP(0, "t@T_1");
extern int old(u32 x) __ksym;
SEC("run") int p(struct t_ctx *ctx) { return old(ctx->a); }
