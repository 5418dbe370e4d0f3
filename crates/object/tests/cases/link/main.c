/* clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-prefix-map=$PWD=. -c main.c -o main.o
 * One of two files of a program: it uses what part.c defines, and defines what that overrides. */
#include "../bpf.h"

struct counter {
	u64 packets;
	u64 bytes;
};

struct {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct packet {
	u32 data;
	u32 end;
};

extern u32 limit;
extern u64 seen[2];
extern u32 size_of_packet(const struct packet *packet);

/* The same name as in part.c. */
static u32 calls = 3;
static const char name[] = "main";

WEAK NOINLINE u32 verdict(u32 size)
{
	OPAQUE();
	return size * 0;
}

static NOINLINE u32 count(u32 by)
{
	OPAQUE();
	calls += by;
	return calls;
}

SEC("xdp") int root(struct packet *packet)
{
	u32 size = size_of_packet(packet);

	seen[1] += size;
	if (size > limit)
		return 1;
	if (name[size & 3] == 'x' || count(2) > 1000)
		return 0;
	return verdict(size);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
