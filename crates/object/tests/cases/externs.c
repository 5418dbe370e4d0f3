/* clang-19 -O2 -g -target bpf -mcpu=v3 -c externs.c -o externs.o
 * What the host must have: functions, variables, configuration; some of it may be missing. */
#include "bpf.h"

extern const void runqueues EXTERN(".ksyms");
extern const int maybe_there EXTERN(".ksyms") WEAK;
extern u32 LINUX_KERNEL_VERSION EXTERN(".kconfig");
extern _Bool CONFIG_MAYBE EXTERN(".kconfig") WEAK;
extern long host_call(void *ctx, u64 flags) EXTERN(".ksyms") WEAK;

SEC("raw_tp/sys_enter") int ask(void *ctx)
{
	u64 sum = (u64)&runqueues + LINUX_KERNEL_VERSION;

	if (&maybe_there)
		sum += maybe_there;
	if (CONFIG_MAYBE)
		sum += 2;
	if (host_call)
		sum += host_call(ctx, 1);
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
