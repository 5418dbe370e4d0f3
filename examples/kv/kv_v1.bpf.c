/* Written for KV_1, where kv_read returns the bytes that it copied: a full buffer means that the value is at
 * least as long as the buffer, and such values are not for this filter's clients.
 *
 * A KV_2 kv_read would return the full length, which for a longer value is not the size of the buffer: this
 * filter would then see a number that cannot be, and says so by KV_WATCH. */
#include "kv.h"

ABIDE_API(kv, "KV_1");

extern long kv_read(const void *key, u32 key__sz, void *dst, u32 dst__sz) __ksym;

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	u8 key[KV_KEY_MAX] = {};
	u8 start[4] = {};
	u32 length = kv_key(ctx, key);
	long copied;

	if (!length)
		return KV_ALLOW;
	copied = kv_read(key, length, start, sizeof(start));
	ctx->verdict = copied;
	if (copied == sizeof(start))
		return KV_DENY;
	if (copied > (long)sizeof(start))
		return KV_WATCH;
	return KV_ALLOW;
}
