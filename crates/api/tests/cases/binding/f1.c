#include "t.h"
STAMP(0, "t@T_1");
extern int f(u32 x) __ksym;
extern int g(u32 x) __ksym;
SEC("run") int p(struct t_ctx *ctx) { return f(ctx->a) + g(1); }
