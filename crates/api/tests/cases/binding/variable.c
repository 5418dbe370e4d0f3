#include "t.h"
STAMP(0, "t@T_1");
extern const int jiffies __ksym;
SEC("run") int p(struct t_ctx *ctx) { return (long)&jiffies; }
