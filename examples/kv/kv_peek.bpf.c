/* Written for KV_1, and refused by every host that knows better: it calls kv_peek, which was withdrawn. */
#include "kv.h"

ABIDE_API(kv, "KV_1");

extern long kv_peek(void *dst, u32 dst__sz) __ksym;

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	u8 next[8] = {};

	ctx->verdict = kv_peek(next, sizeof(next));
	return next[0] ? KV_WATCH : KV_ALLOW;
}
