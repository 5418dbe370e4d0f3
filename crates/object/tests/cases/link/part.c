/* clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-prefix-map=$PWD=. -c part.c -o part.o
 * The other of two files; see main.c. */
#include "../bpf.h"

struct counter {
	u64 packets;
	u64 bytes;
};

extern struct {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct counter);
} counters EXTERN(".maps");

struct packet {
	u32 data;
	u32 end;
};

/* The same names as in main.c. */
static u32 calls = 10;
static const char name[] = "part";
u32 limit = 1500;
u64 seen[2];

static NOINLINE u32 count(u32 by)
{
	OPAQUE();
	calls += by;
	return calls;
}

u32 size_of_packet(const struct packet *packet)
{
	u32 key = 1;
	struct counter *counter = map_lookup_elem(&counters, &key);
	u32 size = packet->end - packet->data;

	if (counter) {
		counter->packets += 1;
		counter->bytes += size;
	}
	count(1);
	return size;
}

NOINLINE u32 verdict(u32 size)
{
	OPAQUE();
	return size < 61 ? 1 : 2;
}

SEC("xdp") int second(struct packet *packet)
{
	return count(5) + verdict(20) + name[packet->data & 3];
}

char part_license[] SEC("license") = "Dual MIT/GPL";
