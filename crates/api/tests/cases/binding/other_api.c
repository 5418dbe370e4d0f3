#include "t.h"
STAMP(0, "nosuch@N_1");
SEC("run") int p(struct t_ctx *ctx) { return 0; }
