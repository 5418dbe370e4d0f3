#include "linux.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} sizes SEC(".maps");

/* Counts packets by their size, and drops those of more than 1,000 bytes. */
SEC("xdp") int count(struct xdp_md *ctx)
{
	u64 size = bpf_xdp_get_buff_len(ctx);
	u32 key = size > 1000 ? 3 : size > 500 ? 2 : size > 100;
	u64 *packets = bpf_map_lookup_elem(&sizes, &key);

	if (packets)
		++*packets;
	return size > 1000 ? XDP_DROP : XDP_PASS;
}
