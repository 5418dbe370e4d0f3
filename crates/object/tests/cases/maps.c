/* clang-19 -O2 -g -target bpf -mcpu=v3 -c maps.c -o maps.o
 * Definitions of maps: sizes, pinning, inner maps, programs, initial values. */
#include "bpf.h"

struct inner {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, 12); /* array of maps */
	__uint(max_entries, 3);
	__uint(key_size, sizeof(u32));
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = (void *)&inner_a, [2] = (void *)&inner_b },
};

SEC("xdp") int leaf(void *ctx);

struct {
	__uint(type, 3); /* programs */
	__uint(max_entries, 2);
	__uint(key_size, sizeof(u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [1] = (void *)&leaf },
};

struct {
	__uint(type, 1);
	__uint(max_entries, 100);
	__uint(key_size, 6);
	__uint(value_size, 10);
	__uint(pinning, 1);
	__uint(map_flags, 4);
	__uint(numa_node, 1);
} pinned SEC(".maps");

struct {
	__uint(type, 30); /* bloom filter */
	__uint(max_entries, 10);
	__uint(map_extra, 5);
	__type(value, u32);
} bloom SEC(".maps");

struct {
	__uint(type, 27);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp") int leaf(void *ctx)
{
	return 2;
}

SEC("xdp") int root(void *ctx)
{
	u32 key = 2;

	if (map_lookup_elem(&outer, &key) && map_lookup_elem(&pinned, &key) &&
	    map_lookup_elem(&events, &key))
		tail_call(ctx, &jumps, 1);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
