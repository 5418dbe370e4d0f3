#include "t.h"
STAMP(0, "t@T_1");
extern int only_other(void) __ksym;
extern int only_gpl(void) __ksym;
char licence[] SEC("license") = "Proprietary";
SEC("run") int p(struct t_ctx *ctx) { return only_other() + only_gpl(); }
