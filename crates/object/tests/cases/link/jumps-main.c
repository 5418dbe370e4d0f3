/* clang-22 -O2 -g -target bpf -mcpu=v4 -mllvm -bpf-min-jump-table-entries=4 -ffile-prefix-map=$PWD=. -c jumps-main.c -o jumps-main.o
 * Tables of indirect jumps in two sections; the first function of .text is overridden by jumps-part.c. */
#include "../bpf.h"

struct context {
	u32 len;
};

extern u32 cost(u32 kind);
u32 seen;

WEAK NOINLINE u32 weight(u32 kind)
{
	switch (kind) {
	case 0: return seen + 1;
	case 1: return seen * 2;
	case 2: return seen - 3;
	case 3: seen = 4; return 40;
	case 4: return seen / 5;
	}
	return 0;
}

static NOINLINE u32 pick(u32 kind)
{
	switch (kind) {
	case 0: return seen + 11;
	case 1: return seen * 12;
	case 2: return seen - 13;
	case 3: seen = 14; return 140;
	case 4: return seen / 15;
	case 5: return seen ^ 16;
	}
	return 17;
}

SEC("socket") int choose(struct context *context)
{
	u32 kind = context->len;

	switch (kind & 7) {
	case 0: return seen + 21;
	case 1: return seen * 22;
	case 2: return pick(kind >> 3);
	case 3: return weight(kind >> 3);
	case 4: return cost(kind >> 3);
	}
	return 0;
}

char licensed[] SEC("license") = "GPL";
