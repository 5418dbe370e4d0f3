/* Written for KV_3, where kv_find takes flags: denies entries that have expired, watches those that soon will.
 * Uses nothing else that is newer than KV_2/ttl, so it also runs on a KV_1 host that has those two backported. */
#include "kv.h"

ABIDE_API(kv, "KV_3");

struct kv_entry;

extern struct kv_entry *kv_find(const void *key, u32 key__sz, u64 flags) __ksym;
extern void kv_put(struct kv_entry *entry) __ksym;
extern u64 kv_ttl(struct kv_entry *entry) __ksym;

enum {
	SOON = 60,
};

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	u8 key[KV_KEY_MAX] = {};
	u32 length = kv_key(ctx, key);
	struct kv_entry *entry;
	u64 ttl;

	if (!length)
		return KV_ALLOW;
	entry = kv_find(key, length, 0);
	if (!entry)
		return KV_ALLOW;
	ttl = kv_ttl(entry);
	kv_put(entry);
	ctx->verdict = ttl;
	if (!ttl)
		return KV_DENY;
	return ttl < SOON ? KV_WATCH : KV_ALLOW;
}
