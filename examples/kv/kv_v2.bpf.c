/* Written for KV_2, where kv_read returns the full length of the value: denies values that do not fit in the
 * buffer and sends the host an event with the key; watches entries that expire soon. */
#include "kv.h"

ABIDE_API(kv, "KV_2");

struct kv_entry;

extern long kv_read(const void *key, u32 key__sz, void *dst, u32 dst__sz) __ksym;
extern struct kv_entry *kv_find(const void *key, u32 key__sz) __ksym;
extern void kv_put(struct kv_entry *entry) __ksym;
extern u64 kv_ttl(struct kv_entry *entry) __ksym;
extern int kv_event(u32 kind, const void *data, u32 data__sz) __ksym;

enum {
	EVENT_TOO_LONG = 1,
	SOON = 60,
};

SEC("kv/filter")
int filter(struct kv_ctx *ctx)
{
	u8 key[KV_KEY_MAX] = {};
	u8 start[4] = {};
	u32 length = kv_key(ctx, key);
	struct kv_entry *entry;
	long full;
	u64 ttl;

	if (!length)
		return KV_ALLOW;
	full = kv_read(key, length, start, sizeof(start));
	ctx->verdict = full;
	if (full > (long)sizeof(start)) {
		kv_event(EVENT_TOO_LONG, key, length);
		return KV_DENY;
	}
	entry = kv_find(key, length);
	if (!entry)
		return KV_ALLOW;
	ttl = kv_ttl(entry);
	kv_put(entry);
	return ttl < SOON ? KV_WATCH : KV_ALLOW;
}
