/* The few words that the cases need, for clang and for gcc. */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) __typeof__(val) *name
#define __array(name, val) __typeof__(val) *name[]
#define OPAQUE() asm volatile("" ::: "memory")

#define EXTERN(name) __attribute__((section(name)))

#ifdef __clang__
/* At -O2 a plain `call` of the number. */
#define map_lookup_elem ((void *(*)(void *, const void *))1)
#define tail_call ((long (*)(void *, void *, u32))12)
#define for_each_map_elem ((long (*)(void *, void *, void *, u64))164)
#else
void *map_lookup_elem(void *map, const void *key) __attribute__((kernel_helper(1)));
long tail_call(void *ctx, void *map, u32 index) __attribute__((kernel_helper(12)));
long for_each_map_elem(void *map, void *visit, void *ctx, u64 flags) __attribute__((kernel_helper(164)));
#endif
