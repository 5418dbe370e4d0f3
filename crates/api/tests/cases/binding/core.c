#include "t.h"
STAMP(0, "t@T_1");
struct thing { int a, b; } __attribute__((preserve_access_index));
SEC("run") int p(struct t_ctx *ctx) { struct thing *t = (void *)(long)ctx->a; return t->b; }
