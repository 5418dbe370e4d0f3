/* clang-19 -O2 -g -target bpf -mcpu=v3 -c callbacks.c -o callbacks.o
 * Addresses of functions: of `.text`, of another section, static and global. */
#include "bpf.h"

struct {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} values SEC(".maps");

static u64 filler(u64 a)
{
	OPAQUE();
	return a;
}

static long visit(void *map, u32 *key, u64 *value, void *ctx)
{
	*value += filler(*key);
	return 0;
}

long visit_global(void *map, u32 *key, u64 *value, void *ctx)
{
	*value = 0;
	return 0;
}

SEC("tc") static NOINLINE int near(u32 a)
{
	OPAQUE();
	return a + 1;
}

SEC("tc") int walk(void *ctx)
{
	for_each_map_elem(&values, visit, 0, 0);
	for_each_map_elem(&values, visit_global, 0, 0);
	return near(1);
}

char LICENSE[] SEC("license") = "GPL";
