/* Written for KV_1: watches requests for keys that exist, by kv_find with its two arguments of that time. A
 * KV_3 host serves it through the compat body, which passes no flags. */
#include "kv.h"

ABIDE_API(kv, "KV_1");

struct kv_entry;

extern struct kv_entry *kv_find(const void *key, u32 key__sz) __ksym;
extern void kv_put(struct kv_entry *entry) __ksym;

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	u8 key[KV_KEY_MAX] = {};
	u32 length = kv_key(ctx, key);
	struct kv_entry *entry;

	if (!length)
		return KV_ALLOW;
	entry = kv_find(key, length);
	if (!entry)
		return KV_ALLOW;
	kv_put(entry);
	ctx->verdict = length;
	return KV_WATCH;
}
