#include "t.h"
STAMP(0, "t@T_2");
extern int fresh(u32 x) __ksym __attribute__((weak));
SEC("run") int p(struct t_ctx *ctx) { return fresh ? fresh(1) : 2; }
