#include "t.h"
STAMP(0, "t@T_99");
SEC("run") int p(struct t_ctx *ctx) { return 0; }
