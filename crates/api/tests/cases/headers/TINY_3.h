#endif /* ABIDE_PRELUDE */

/* Types that are pointed to. */
struct tiny_ctx;
struct tiny_thing;

#if !(defined(ABIDE_NO_TYPES))

/** What a filter decides. */
enum tiny_verdict {
	TINY_DROP = 0,
	TINY_PASS = 1,
};

__extension__ enum {
	TINY_LOW = -1,
	TINY_MASK = 0xffffffffULL,
	TINY_FULL = 0x4000000000000000ULL,
};

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY __attribute__((deprecated("use hash; not served from 2026-09-01 on"))) = 2,
};

union tiny_value {
	u64 whole;
	u8 bytes[8];
};

typedef u32 tiny_id;

struct tiny_ctx {
	/** The key, up to key_end. */
	u8 *key;
	u8 *key_end;
	union {
		struct {
			u16 low;
			u16 high;
		};
		u32 both;
	};
	u32 verdict;
	union tiny_value value;
	tiny_id id;
};

typedef int (*tiny_callback)(struct tiny_ctx *, u64);

#else

/* Constants that stand in no enum with a name. */
#ifndef TINY_LOW
#define TINY_LOW (-1)
#endif
#ifndef TINY_MASK
#define TINY_MASK 0xffffffffULL
#endif
#ifndef TINY_FULL
#define TINY_FULL 0x4000000000000000ULL
#endif

#endif

/* Program types.
 *
 * tiny_filter: SEC("tiny/filter"), SEC("tiny")
 *     takes struct tiny_ctx *ctx, returns enum tiny_verdict
 *
 * tiny_other
 *     takes a context that depends on what it is attached to, returns 0
 */

/* Helpers. */

#if ABIDE_INLINE

/** tiny_stop@TINY_1, helper 2. Contract: noreturn. */
static __always_inline ABIDE_CALLER void tiny_stop(void)
{
	ABIDE_CALL_VOID(2, 0);
}

/** tiny_small@TINY_1, helper 3. */
static __always_inline ABIDE_CALLER u8 tiny_small(s8 a, u16 b, bool c, enum tiny_verdict d, tiny_id e)
{
	register u32 abide_r0 __asm__("r0");
	register s32 abide_r1 ABIDE_R32(1) = a;
	register u32 abide_r2 ABIDE_R32(2) = b;
	register u32 abide_r3 ABIDE_R32(3) = c;
	register enum tiny_verdict abide_r4 ABIDE_R32(4) = d;
	register tiny_id abide_r5 ABIDE_R32(5) = e;
	ABIDE_CALL(3, 5);
	return (u8)(abide_r0);
}

/**
 * tiny_loop@TINY_1, helper 4. Contract: pure.
 * Calls long (*callback)(u64, void *).
 */
static __always_inline ABIDE_CALLER bool tiny_loop(u32 times, void *callback, void *ctx)
{
	register u32 abide_r0 __asm__("r0");
	register u32 abide_r1 ABIDE_R32(1) = times;
	register void *abide_r2 __asm__("r2") = callback;
	register void *abide_r3 __asm__("r3") = ctx;
	ABIDE_CALL(4, 3);
	return (bool)(abide_r0 & 1);
}

/** tiny_print@TINY_1, helper 5. */
static __always_inline ABIDE_CALLER long abide_tiny_print_2(const char *format, u32 format__sz)
{
	register long abide_r0 __asm__("r0");
	register const char *abide_r1 __asm__("r1") = format;
	register u32 abide_r2 ABIDE_R32(2) = format__sz;
	ABIDE_CALL(5, 2);
	return abide_r0;
}

static __always_inline ABIDE_CALLER long abide_tiny_print_3(const char *format, u32 format__sz, u64 value3)
{
	register long abide_r0 __asm__("r0");
	register const char *abide_r1 __asm__("r1") = format;
	register u32 abide_r2 ABIDE_R32(2) = format__sz;
	register u64 abide_r3 __asm__("r3") = value3;
	ABIDE_CALL(5, 3);
	return abide_r0;
}

static __always_inline ABIDE_CALLER long abide_tiny_print_4(const char *format, u32 format__sz, u64 value3,
		u64 value4)
{
	register long abide_r0 __asm__("r0");
	register const char *abide_r1 __asm__("r1") = format;
	register u32 abide_r2 ABIDE_R32(2) = format__sz;
	register u64 abide_r3 __asm__("r3") = value3;
	register u64 abide_r4 __asm__("r4") = value4;
	ABIDE_CALL(5, 4);
	return abide_r0;
}

static __always_inline ABIDE_CALLER long abide_tiny_print_5(const char *format, u32 format__sz, u64 value3,
		u64 value4, u64 value5)
{
	register long abide_r0 __asm__("r0");
	register const char *abide_r1 __asm__("r1") = format;
	register u32 abide_r2 ABIDE_R32(2) = format__sz;
	register u64 abide_r3 __asm__("r3") = value3;
	register u64 abide_r4 __asm__("r4") = value4;
	register u64 abide_r5 __asm__("r5") = value5;
	ABIDE_CALL(5, 5);
	return abide_r0;
}

/** tiny_thing@TINY_1, helper 6. Contract: acquire, nullable, gpl. For tiny_other. */
static __always_inline ABIDE_CALLER struct tiny_thing *tiny_thing(void *map__map, const u64 *keys)
{
	register struct tiny_thing *abide_r0 __asm__("r0");
	register void *abide_r1 __asm__("r1") = map__map;
	register const u64 *abide_r2 __asm__("r2") = keys;
	ABIDE_CALL(6, 2);
	return abide_r0;
}

#else

ABIDE_HELPER(2, void, tiny_stop, (void),);
ABIDE_HELPER(3, u8, tiny_small, (s8 a, u16 b, bool c, enum tiny_verdict d, tiny_id e),);
ABIDE_HELPER(4, bool, tiny_loop, (u32 times, void *callback, void *ctx),);
ABIDE_HELPER(5, long, abide_tiny_print_2, (const char *format, u32 format__sz),);
ABIDE_HELPER(5, long, abide_tiny_print_3, (const char *format, u32 format__sz, u64 value3),);
ABIDE_HELPER(5, long, abide_tiny_print_4, (const char *format, u32 format__sz, u64 value3, u64 value4),);
ABIDE_HELPER(5, long, abide_tiny_print_5, (const char *format, u32 format__sz, u64 value3, u64 value4, u64 value5),);
ABIDE_HELPER(6, struct tiny_thing *, tiny_thing, (void *map__map, const u64 *keys),);

#endif /* ABIDE_INLINE */

#define abide_tiny_print_of_2(a, b) abide_tiny_print_2(a, b)
#define abide_tiny_print_of_3(a, b, c) abide_tiny_print_3(a, b, (u64)(c))
#define abide_tiny_print_of_4(a, b, c, d) abide_tiny_print_4(a, b, (u64)(c), (u64)(d))
#define abide_tiny_print_of_5(a, b, c, d, e) abide_tiny_print_5(a, b, (u64)(c), (u64)(d), (u64)(e))
#define tiny_print(...) ABIDE_JOIN(abide_tiny_print_of_, ABIDE_COUNT(__VA_ARGS__))(__VA_ARGS__)

/* Kfuncs. */

/** tiny_read@TINY_2. */
extern long tiny_read(const void *key, u32 key__sz, void *dst, u32 dst__sz) __ksym;

/**
 * tiny_each@TINY_1.
 * Calls int (*default)(struct tiny_ctx *, u64).
 */
extern int tiny_each(struct tiny_thing *thing, int (*default_)(struct tiny_ctx *, u64), void *aux__prog) __ksym;

/* Not here any more:
 *
 * tiny_leak: withdrawn by TINY_3: CVE-2026-00000: tells "too much"
 * tiny_log: removed in TINY_3; use tiny_each
 */

/* The stamp: what this program was written for. */
#ifndef ABIDE_NO_STAMP
ABIDE_STAMP(abide_stamp_tiny, "tiny@TINY_3");
#endif

#endif /* ABIDE_TINY_AT_TINY_3_H */
