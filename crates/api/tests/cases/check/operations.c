// What kernels call: members of structs of operations, and the arguments of what is attached to.
//   clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c operations.c -o operations.o
//   clang-19 -O2 -g -target bpf -ffile-compilation-dir=. -DOLD -c operations_host.c -o operations-old.o; without -DOLD: operations-new.o
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define ksym __attribute__((section(".ksyms")))

struct sock;
struct rate_sample;
struct task_struct;

struct tcp_congestion_ops___mine {
	u32 (*ssthresh)(struct sock *);
	void (*cong_control)(struct sock *, u32, int, const struct rate_sample *);
	char name[16];
};
struct sched_ext_ops {
	void (*enqueue)(struct task_struct *, u64);
	void (*dequeue)(struct task_struct *, u64);
	void (*tomorrow)(void);
	char name[128];
};

extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) ksym;

char licence[] SEC("license") = "GPL";

SEC("struct_ops") u32 threshold(u64 *ctx)
{
	return ctx[0] != 0;
}
SEC("struct_ops") int control(u64 *ctx)
{
	return ctx[3] != 0;
}
SEC("struct_ops") int enqueue(u64 *ctx)
{
	scx_bpf_dsq_insert((struct task_struct *)ctx[0], 0, 0, ctx[1]);
	return 0;
}
SEC("struct_ops") int tomorrow(u64 *ctx)
{
	return 0;
}
// In no struct.
SEC("struct_ops") int alone(u64 *ctx)
{
	return ctx[9] != 0;
}
SEC("tp_btf/inserted") int of_tracepoint(u64 *ctx)
{
	return ctx[1] != 0;
}
SEC("fentry/flush") int before(u64 *ctx)
{
	return ctx[2] != 0;
}
SEC("fexit/flush") int after(u64 *ctx)
{
	return ctx[3] != 0;
}
SEC("fexit/flush") int too_far(u64 *ctx)
{
	return ctx[4] != 0;
}
SEC("lsm/opened") int judged(u64 *ctx)
{
	return ctx[1] != 0;
}

SEC(".struct_ops") struct tcp_congestion_ops___mine mine = {
	.ssthresh = (void *)threshold, .cong_control = (void *)control, .name = "mine",
};
SEC(".struct_ops.link") struct sched_ext_ops scheduler = {
	.enqueue = (void *)enqueue, .name = "scheduler",
};
SEC("?.struct_ops.link") struct sched_ext_ops not_made = {
	.tomorrow = (void *)tomorrow, .name = "not_made",
};
