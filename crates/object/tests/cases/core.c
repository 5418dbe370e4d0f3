/* clang-19 -O2 -g -target bpf -mcpu=v3 -c core.c -o core.o
 * Instructions that depend on the layout of the host's types. clang only. */
#include "bpf.h"

struct inner {
	int a;
	int b[4];
} __attribute__((preserve_access_index));

struct task {
	u64 skipped;
	struct inner inner;
	int bits : 5;
} __attribute__((preserve_access_index));

enum state { IDLE, RUNNING = 7 };

SEC("tp_btf/sched_switch") int look(u64 *args)
{
	struct task *task = (void *)args[0];
	int sum = task->inner.b[2];

	if (__builtin_preserve_field_info(task->bits, 2 /* exists */))
		sum += __builtin_preserve_field_info(task->bits, 4 /* left shift */);
	sum += __builtin_preserve_type_info(*(struct task *)0, 1 /* size */);
	sum += __builtin_preserve_enum_value(*(enum state *)RUNNING, 1 /* value */);
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
