#include "t.h"
STAMP(0, "t@T_1");
extern int f(u32 x) __ksym;
struct { int (*type)[1]; u32 *key; u32 *value; int (*max_entries)[4]; } counts SEC(".maps");
u32 total;
static __attribute__((noinline)) int twice(u32 x) { return f(x) * 2; }
__attribute__((noinline)) int thrice(u32 x) { total += x; return twice(x) + f(x); }
SEC("run") int p(struct t_ctx *ctx) { return thrice(ctx->a) + (long)&counts; }
SEC("?other") int q(struct t_ctx *ctx) { return twice(3); }
