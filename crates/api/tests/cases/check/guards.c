// Programs whose needs depend on the host. How it is compiled:
//   clang-19 -O2 -g -target bpf -mcpu=v2 -ffile-compilation-dir=. -c guards.c -o guards.o
//   clang-19 -O2 -g -target bpf -mcpu=v2 -ffile-compilation-dir=. -DOLD -c host.c -o old.o; clang-19 … -c host.c -o new.o
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define core __attribute__((preserve_access_index))
#define ksym __attribute__((section(".ksyms")))
#define kconfig __attribute__((section(".kconfig")))
#define weak __attribute__((weak))

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
struct __sk_buff {
	u32 len, pkt_type, mark;
	u32 more[35];
	u64 tstamp;
};
struct bpf_dynptr {
	u64 opaque[2];
} __attribute__((aligned(8)));

static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u64 (*const bpf_ktime_get_boot_ns)(void) = (void *)125;
static u64 (*const bpf_ktime_get_tai_ns)(void) = (void *)208;
static u64 (*const bpf_get_attach_cookie)(void *ctx) = (void *)174;

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, u64 flags, struct bpf_dynptr *ptr) weak ksym;
extern int bpf_no_such_kfunc(void) weak ksym;
extern int LINUX_KERNEL_VERSION kconfig;
extern _Bool CONFIG_HZ_IS_KNOWN weak kconfig;

struct task {
	int pid;
	int recent;
} core;
struct task___renamed {
	int before;
} core;
enum state { STATE_OLD, STATE_NEW = 7 };

const volatile _Bool wanted = 0;
volatile _Bool maybe = 0;
char licence[] SEC("license") = "GPL";

// Guarded by read-only data that says no.
SEC("xdp") int by_rodata(struct xdp_md *ctx)
{
	return wanted ? bpf_ktime_get_tai_ns() : bpf_ktime_get_ns();
}

// Guarded by data that may change.
SEC("xdp") int by_data(struct xdp_md *ctx)
{
	return maybe ? bpf_ktime_get_tai_ns() : bpf_ktime_get_ns();
}

// Guarded by the version of the kernel.
SEC("xdp") int by_version(struct xdp_md *ctx)
{
	if (LINUX_KERNEL_VERSION >= (6 << 16 | 1 << 8))
		return bpf_ktime_get_tai_ns();
	if (LINUX_KERNEL_VERSION >= (5 << 16 | 8 << 8))
		return bpf_ktime_get_boot_ns();
	return bpf_ktime_get_ns();
}

// Guarded by a configuration that nobody knows.
SEC("xdp") int by_config(struct xdp_md *ctx)
{
	return CONFIG_HZ_IS_KNOWN ? bpf_ktime_get_tai_ns() : bpf_ktime_get_ns();
}

// Guarded by a weak extern.
SEC("xdp") int by_ksym(struct xdp_md *ctx)
{
	struct bpf_dynptr view;

	return bpf_dynptr_from_xdp ? bpf_dynptr_from_xdp(ctx, 0, &view) : 0;
}

// Guarded by an extern that no kernel has; the call in the branch is dead everywhere.
SEC("xdp") int by_nothing(struct xdp_md *ctx)
{
	return bpf_no_such_kfunc ? bpf_no_such_kfunc() : 0;
}

// Calls it without asking.
SEC("xdp") int without_asking(struct xdp_md *ctx)
{
	return bpf_no_such_kfunc();
}

// Guarded by a field of the kernel, by the value of an enum.
SEC("tp/x") int by_types(struct task *task)
{
	if (__builtin_preserve_field_info(task->recent, 2))
		return task->recent + bpf_ktime_get_tai_ns();
	if (__builtin_preserve_enum_value(*(enum state *)STATE_NEW, 0))
		return bpf_ktime_get_boot_ns();
	return 0;
}

// Reads a field without asking.
SEC("tp/x") int no_field(struct task *task)
{
	return task->recent;
}

// A type that one host does not have and another has twice.
struct twice {
	int here;
} core;
SEC("tp/x") int two_types(struct twice *found)
{
	return found->here;
}

// Attached to a function of the kernel.
SEC("fentry/some_function") int attached(void *ctx)
{
	return 0;
}

static __attribute__((noinline)) int with(int mode, void *ctx)
{
	if (mode == 1)
		return bpf_get_attach_cookie(ctx);
	return bpf_ktime_get_ns();
}

// A subprogram that is only called with 0.
SEC("kprobe/x") int by_argument(void *ctx)
{
	return with(LINUX_KERNEL_VERSION < 1, ctx);
}

// Reads a field of its context that came with Linux 5.0, through a copy of the pointer.
SEC("tc") int reads_context(struct __sk_buff *skb)
{
	struct __sk_buff *volatile spilled = skb;

	return spilled->tstamp + skb->len;
}

// A loop: Linux 5.3. A jump that is new in v3 is not used: -mcpu=v2.
SEC("xdp") int loops(struct xdp_md *ctx)
{
	int sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 100; i++) {
		sum += bpf_ktime_get_ns();
		asm volatile("" : "+r"(sum));
	}
	return sum;
}
