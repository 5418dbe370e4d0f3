#include "t.h"
STAMP(0, "t@B_1");
extern int branch(void) __ksym;
SEC("run") int p(struct t_ctx *ctx) { return branch(); }
