#include "t.h"
STAMP(0, "s@S_2");
extern int at_open(void) __ksym;
char licence[] SEC("license") = "GPL";
SEC("hook/open") int in_open(struct t_ctx *ctx) { return at_open(); }
SEC("hook.s/anything") int asleep(struct t_ctx *ctx) { return at_open(); }
SEC("hook") int anywhere(struct t_ctx *ctx) { return at_open(); }
SEC("?hook/close") int in_close(struct t_ctx *ctx) { return at_open(); }
SEC("hook/read") int in_read(struct t_ctx *ctx) { return at_open(); }
