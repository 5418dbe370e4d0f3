/* Does not say which version it was written for. The API has no baseline, so every host refuses it: whether
 * it means kv_read@KV_1 or kv_read@KV_2 cannot be told from the prototype. */
#include "kv.h"

extern long kv_read(const void *key, u32 key__sz, void *dst, u32 dst__sz) __ksym;

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	u8 key[KV_KEY_MAX] = {};
	u8 start[4] = {};
	u32 length = kv_key(ctx, key);

	if (!length)
		return KV_ALLOW;
	return kv_read(key, length, start, sizeof(start)) == sizeof(start) ? KV_DENY : KV_ALLOW;
}
