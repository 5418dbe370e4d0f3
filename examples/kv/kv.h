/* What every filter of the kv store needs, in all versions of its API: the context, the verdicts, the
 * stamp. The functions that a filter calls it declares itself, as the version that it names has them. */
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))

/* Says which version of the API the filter was written for. */
#define ABIDE_API(api, node) \
	static const char abide_api_##api[] __attribute__((section(".bpf.api"), used, retain)) = #api "@" node

/* What a filter is handed: one request. The key is the bytes from `key` up to `key_end`. */
struct kv_ctx {
	u8 *key;
	u8 *key_end;
	u32 op;
	u32 verdict;
};

/* What a filter returns. `kv_ctx.verdict` carries a number of its choice to the host's log. */
enum {
	KV_ALLOW,
	KV_DENY,
	KV_WATCH, /* allow, and keep an eye on it */
};

enum {
	KV_KEY_MAX = 16,
};

/* Copies the key, or its first KV_KEY_MAX bytes, to where functions may be given a size that is not
 * constant; returns its length. */
static inline __attribute__((always_inline)) u32 kv_key(const struct kv_ctx *ctx, u8 *copy)
{
	u8 *key = ctx->key, *end = ctx->key_end;
	u32 length = 0;

#pragma unroll
	for (int i = 0; i < KV_KEY_MAX; i++) {
		if (key + i + 1 > end)
			break;
		copy[i] = key[i];
		length = i + 1;
	}
	return length;
}
