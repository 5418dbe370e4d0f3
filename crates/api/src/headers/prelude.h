/* What every program needs, whatever its API. */

#ifndef ABIDE_PRELUDE
#define ABIDE_PRELUDE 1

/* How a helper is called: by a function that holds nothing but `call N`. Where nothing is inlined, its arguments would go
 * through the stack, and clang before 18 does not tell whether registers have 32-bit halves: there, a helper is a name
 * for its number. */
#if defined(__bpf__) && defined(__OPTIMIZE__) && (!defined(__clang__) || defined(__BPF_CPU_VERSION__))
#define ABIDE_INLINE 1
#else
#define ABIDE_INLINE 0
#endif

/* The half of a register that holds an argument of 32 bits: as in any call, its other half is not cleared. */
#ifdef __BPF_FEATURE_ALU32
#define ABIDE_R32(n) __asm__("w" #n)
#else
#define ABIDE_R32(n) __asm__("r" #n)
#endif

/* The line of a call is the caller's, not one of this header. */
#ifdef __clang__
#define ABIDE_CALLER __attribute__((nodebug))
#else
#define ABIDE_CALLER __attribute__((artificial))
#endif

#ifdef __clang__
#define ABIDE_IN_0
#define ABIDE_IN_1 "r"(abide_r1)
#define ABIDE_IN_2 ABIDE_IN_1, "r"(abide_r2)
#define ABIDE_IN_3 ABIDE_IN_2, "r"(abide_r3)
#define ABIDE_IN_4 ABIDE_IN_3, "r"(abide_r4)
#define ABIDE_IN_5 ABIDE_IN_4, "r"(abide_r5)
#define ABIDE_CALL(number, arity) \
	__asm__ volatile("call " #number : "=r"(abide_r0) : ABIDE_IN_##arity : "r1", "r2", "r3", "r4", "r5", "memory")
#define ABIDE_CALL_VOID(number, arity) \
	__asm__ volatile("call " #number : : ABIDE_IN_##arity : "r0", "r1", "r2", "r3", "r4", "r5", "memory")
#else
/* gcc takes no register for input and clobbered at once: what goes in comes out changed. */
#define ABIDE_IN_0
#define ABIDE_IN_1 , "+r"(abide_r1)
#define ABIDE_IN_2 ABIDE_IN_1, "+r"(abide_r2)
#define ABIDE_IN_3 ABIDE_IN_2, "+r"(abide_r3)
#define ABIDE_IN_4 ABIDE_IN_3, "+r"(abide_r4)
#define ABIDE_IN_5 ABIDE_IN_4, "+r"(abide_r5)
#define ABIDE_REST_5 "memory"
#define ABIDE_REST_4 "r5", ABIDE_REST_5
#define ABIDE_REST_3 "r4", ABIDE_REST_4
#define ABIDE_REST_2 "r3", ABIDE_REST_3
#define ABIDE_REST_1 "r2", ABIDE_REST_2
#define ABIDE_REST_0 "r1", ABIDE_REST_1
#define ABIDE_CALL(number, arity) \
	__asm__ volatile("call " #number : "=r"(abide_r0) ABIDE_IN_##arity : : ABIDE_REST_##arity)
#define ABIDE_CALL_VOID(number, arity)                     \
	do {                                               \
		register long abide_r0 __asm__("r0");      \
		ABIDE_CALL(number, arity);                 \
		(void)abide_r0;                            \
	} while (0)
#endif

#ifdef __clang__
#define ABIDE_HELPER(number, returns, name, parameters, attributes) \
	static returns(*const name) parameters __attribute__((unused)) attributes = (returns(*) parameters) number##UL
#else
#define ABIDE_HELPER(number, returns, name, parameters, attributes) \
	extern returns name parameters __attribute__((kernel_helper(number))) attributes
#endif

/* How many arguments there are, at most nine. */
#define ABIDE_COUNT(...) ABIDE_COUNT_(__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ABIDE_COUNT_(a1, a2, a3, a4, a5, a6, a7, a8, a9, count, ...) count
#define ABIDE_JOIN(a, b) ABIDE_JOIN_(a, b)
#define ABIDE_JOIN_(a, b) a##b

#ifndef __VMLINUX_H__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s8 __s8;
typedef s16 __s16;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u64 __be64;
typedef u16 __le16;
typedef u32 __le32;
typedef u64 __le64;
typedef u16 __sum16;
typedef u32 __wsum;
typedef __SIZE_TYPE__ size_t;
typedef int pid_t;
typedef unsigned int gfp_t;
#if !defined(bool) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L)
typedef _Bool bool;
#endif
#endif

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

/* Puts a program, a map or a licence where loaders look for it. */
#ifndef SEC
#define SEC(name) __attribute__((section(name), used))
#endif

/* A function or variable of the host, found by its name when the program is loaded. */
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

/* A setting that the host was built with. */
#ifndef __kconfig
#define __kconfig __attribute__((section(".kconfig")))
#endif

/* Declares a kfunc of this header again as one that may be missing: then its address is null. Ask bpf_ksym_exists
 * before the call. */
#define ABIDE_OPTIONAL(kfunc) extern __typeof__(kfunc) kfunc __ksym __weak
#ifndef bpf_ksym_exists
#define bpf_ksym_exists(symbol)                                                                               \
	__extension__({                                                                                       \
		_Static_assert(!__builtin_constant_p(!!(symbol)), #symbol " is not weak: see ABIDE_OPTIONAL"); \
		!!(symbol);                                                                                   \
	})
#endif

/* What a map is made of, for the members of its definition. */
#ifndef __uint
#define __uint(name, value) int(*name)[value]
#endif
#ifndef __type
#define __type(name, type) __typeof__(type) *name
#endif
#ifndef __array
#define __array(name, type) __typeof__(type) *name[]
#endif
#ifndef __ulong
#define __ulong(name, value) enum { ABIDE_JOIN(abide_value_, __COUNTER__) = value } name
#endif

/* Says which version of an API the program is written for. */
#ifdef __clang__
#define ABIDE_KEPT used, retain
#else
#define ABIDE_KEPT used
#endif
#define ABIDE_API(api, node) ABIDE_STAMP(abide_api_##api, #api "@" node)
#define ABIDE_STAMP(symbol, text) static const char symbol[] __attribute__((section(".bpf.api"), ABIDE_KEPT)) = text

#endif /* ABIDE_PRELUDE */
