#include "t.h"
STAMP(0, "t@T_1");
STAMP(1, "t@T_2");
SEC("run") int p(struct t_ctx *ctx) { return 0; }
