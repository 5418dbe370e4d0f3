/* Says KV_3, but calls kv_find with the two arguments of KV_1: the third register would hold whatever was
 * there, so the object is refused. */
#include "kv.h"

ABIDE_API(kv, "KV_3");

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
	return KV_WATCH;
}
