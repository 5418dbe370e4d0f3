/* Written for KV_1: logs every request by a helper, which is called by its number. The helper is deprecated
 * since KV_2 and removed in KV_4; acme_lts has it under another number. */
#include "kv.h"

ABIDE_API(kv, "KV_1");

static long (*const kv_log)(const char *msg, u32 msg__sz) = (void *)1;

static const char message[] = "a request";

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	ctx->verdict = kv_log(message, sizeof(message));
	return KV_ALLOW;
}
