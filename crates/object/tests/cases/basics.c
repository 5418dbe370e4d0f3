/* clang-19 -O2 -g -target bpf -mcpu=v3 -c basics.c -o basics.o
 * Programs, subprograms, a map, variables in every kind of section, kfuncs, a stamp. */
#include "bpf.h"

struct counter {
	u64 packets;
	u64 bytes;
};

struct {
	__uint(type, 1);
	__uint(max_entries, 16);
	__uint(map_flags, 1);
	__type(key, u32);
	__type(value, struct counter);
} counters SEC(".maps");

u64 first = 5, second = 6;
u64 table[4] = { 1, 2, 3, 4 };
static volatile u64 hidden = 7, hidden_too = 8;
u64 zero, zero_too;
const volatile u32 limit = 3;
u32 apart SEC(".data.apart") = 9;
u64 *where SEC(".data.where") = &table[1];
u64 withheld SEC(".data.withheld") __attribute__((visibility("hidden"))) = 1;

extern int host_read(u32 what) EXTERN(".ksyms");
extern int host_maybe(u32 what) EXTERN(".ksyms") WEAK;

static NOINLINE u64 add(u64 a, u64 b)
{
	OPAQUE();
	return a + b + table[2] + hidden_too;
}

NOINLINE u64 add_global(u64 a)
{
	OPAQUE();
	return add(a, second) + hidden;
}

static NOINLINE u64 other(u64 a)
{
	OPAQUE();
	return a * 3 + zero_too;
}

SEC("xdp")
int count(void *ctx)
{
	u32 key = 0;
	struct counter *counter = map_lookup_elem(&counters, &key);

	if (counter)
		counter->packets++;
	zero++;
	return add_global(first) + other(table[3]) + host_read(limit);
}

SEC("xdp")
int count_more(void *ctx)
{
	return add(apart, 2) + (host_maybe ? host_maybe(1) : 0);
}

SEC("?tc")
int unloved(void *ctx)
{
	return other(1);
}

char LICENSE[] SEC("license") = "GPL";
const char stamp[] SEC(".bpf.api") = "linux@LINUX_6.5";
