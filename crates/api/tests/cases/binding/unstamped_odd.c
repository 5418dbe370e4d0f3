#include "t.h"
extern int f(u32 x, u64 y, u64 z) __ksym;
SEC("run") int p(struct t_ctx *ctx) { return f(ctx->a, 1, 2); }
