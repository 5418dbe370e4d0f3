#include "t.h"
STAMP(0, "t@T_1");
extern int nosuch(void) __ksym;
static long (*const h77)(void) = (void *)77;
struct { int (*type)[9]; u32 *key; u32 *value; int (*max_entries)[4]; } lru SEC(".maps");
SEC("run") int p(struct t_ctx *ctx) { return nosuch() + h77() + (long)&lru; }
SEC("nosection") int q(struct t_ctx *ctx) { return 0; }
