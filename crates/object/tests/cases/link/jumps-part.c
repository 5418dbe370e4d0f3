/* clang-22 -O2 -g -target bpf -mcpu=v4 -mllvm -bpf-min-jump-table-entries=4 -ffile-prefix-map=$PWD=. -c jumps-part.c -o jumps-part.o
 * The other of two files with tables of indirect jumps; see jumps-main.c. */
#include "../bpf.h"

struct context {
	u32 len;
};

extern u32 seen;

u32 weight(u32 kind)
{
	switch (kind) {
	case 0: return seen + 31;
	case 1: return seen * 32;
	case 2: return seen - 33;
	case 3: seen = 34; return 340;
	case 4: return seen / 35;
	}
	return 36;
}

NOINLINE u32 cost(u32 kind)
{
	switch (kind) {
	case 0: return weight(1) + 41;
	case 1: return seen * 42;
	case 2: return seen - 43;
	case 3: seen = 44; return 440;
	case 4: return seen / 45;
	}
	return 46;
}

SEC("socket") int other(struct context *context)
{
	u32 kind = context->len;

	switch (kind) {
	case 0: return seen + 51;
	case 1: return seen * 52;
	case 2: return cost(53);
	case 3: seen = 54; return 540;
	case 4: return seen / 55;
	}
	return 56;
}
