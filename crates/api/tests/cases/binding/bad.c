#include "t.h"
STAMP(0, "t@T_3");
extern int bad(void) __ksym;
SEC("run") int p(struct t_ctx *ctx) { return bad(); }
