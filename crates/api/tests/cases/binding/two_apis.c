#include "t.h"
STAMP(0, "t@T_1");
STAMP(1, "kv@KV_1");
SEC("run") int p(struct t_ctx *ctx) { return 0; }
