#include "t.h"
STAMP(0, "t@T_2");
extern int f(u32 x, u64 flags) __ksym;
extern int fresh(u32 x) __ksym;
SEC("run") int p(struct t_ctx *ctx) { return f(ctx->a, 0) + fresh(1); }
