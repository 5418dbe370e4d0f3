/* What loaders and verifiers of Linux know besides: this header stands for <bpf/bpf_helpers.h>, and libbpf's other headers
 * (bpf_endian.h, bpf_core_read.h, bpf_tracing.h, usdt.bpf.h) may come after it. */

#ifdef __BPF_HELPERS__
#error "include this header instead of <bpf/bpf_helpers.h>"
#endif
#define __BPF_HELPERS__

#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifndef container_of
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#endif

/* The compiler keeps what is before from what is after; it forgets what it knows of a variable. */
#ifndef barrier
#define barrier() __asm__ volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(variable) __asm__ volatile("" : "+r"(variable))
#endif
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/* Values of __uint(pinning, …), and of settings that are no, yes or a module. */
enum libbpf_pin_type { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };
enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };

/* What the verifier is told of pointers in maps and of arguments of global functions. */
#if defined(__has_attribute)
#if __has_attribute(btf_type_tag)
#define ABIDE_TYPE_TAG(text) __attribute__((btf_type_tag(text)))
#endif
#if __has_attribute(btf_decl_tag)
#define ABIDE_DECL_TAG(text) __attribute__((btf_decl_tag(text)))
#endif
#endif
#ifndef ABIDE_TYPE_TAG
#define ABIDE_TYPE_TAG(text)
#endif
#ifndef ABIDE_DECL_TAG
#define ABIDE_DECL_TAG(text)
#endif
#define __kptr ABIDE_TYPE_TAG("kptr")
#define __kptr_untrusted ABIDE_TYPE_TAG("kptr_untrusted")
#define __percpu_kptr ABIDE_TYPE_TAG("percpu_kptr")
#define __uptr ABIDE_TYPE_TAG("uptr")
#define __arg_ctx ABIDE_DECL_TAG("arg:ctx")
#define __arg_nonnull ABIDE_DECL_TAG("arg:nonnull")
#define __arg_nullable ABIDE_DECL_TAG("arg:nullable")
#define __arg_trusted ABIDE_DECL_TAG("arg:trusted")
#define __arg_untrusted ABIDE_DECL_TAG("arg:untrusted")
#define __arg_arena ABIDE_DECL_TAG("arg:arena")

/* The names by which libbpf's other headers count and join. */
#ifndef ___bpf_concat
#define ___bpf_concat(a, b) a##b
#endif
#ifndef ___bpf_apply
#define ___bpf_apply(function, count) ___bpf_concat(function, count)
#endif
#ifndef ___bpf_nth
#define ___bpf_nth(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _a, _b, _c, count, ...) count
#endif
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#ifndef ___bpf_narg
#define ___bpf_narg(...) ___bpf_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#endif

/* The arguments after a format as an array of 64-bit values, as the printing helpers take them: none to twelve. They are
 * assigned one by one, since compilers copy a list of constants from .rodata. */
#define ABIDE_VALUES(array, ...)                                                                      \
	unsigned long long array[___bpf_narg(__VA_ARGS__) + !___bpf_narg(__VA_ARGS__)];               \
	___bpf_apply(ABIDE_FILL_, ___bpf_narg(__VA_ARGS__))(array, 0, ##__VA_ARGS__)
#define ABIDE_FILL(array, at, a) array[at] = (unsigned long long)(a);
#define ABIDE_FILL_0(array, at)
#define ABIDE_FILL_1(array, at, a) ABIDE_FILL(array, at, a)
#define ABIDE_FILL_2(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_1(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_3(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_2(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_4(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_3(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_5(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_4(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_6(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_5(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_7(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_6(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_8(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_7(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_9(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_8(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_10(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_9(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_11(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_10(array, at + 1, __VA_ARGS__)
#define ABIDE_FILL_12(array, at, a, ...) ABIDE_FILL(array, at, a) ABIDE_FILL_11(array, at + 1, __VA_ARGS__)
#ifdef __clang__
#pragma clang diagnostic pop
#endif
