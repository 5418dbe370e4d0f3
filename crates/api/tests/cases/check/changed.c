// Programs that mean what changed since. Compiled once for each version that they are written for:
//   clang-19 -O2 -g -target bpf -mcpu=v1 -ffile-compilation-dir=. -DV=62 -c changed.c -o changed-6.2.o
//   … -DV=61 … -o changed-6.1.o; … -DV=612 … -o changed-6.12.o; … -DV=70 … -o changed-7.0.o
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define ksym __attribute__((section(".ksyms")))
#define weak __attribute__((weak))
#define __uint(name, value) int (*name)[value]

struct __sk_buff;
struct task_struct;
struct bpf_sock {
	u32 bound_dev_if, family, type, protocol, mark, priority, src_ip4, src_ip6[4], src_port;
};

char licence[] SEC("license") = "GPL";

#if V == 61
char stamp[] SEC(".bpf.api") = "linux@LINUX_6.1";

struct {
	__uint(type, 3);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 1);
} programs SEC(".maps");

static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;

// From LINUX_6.12 on the map and the type of the program mean less.
SEC("lsm/file_open") int map_and_type(u64 *ctx)
{
	bpf_tail_call(ctx, &programs, 0);
	return 0;
}

// A field of LINUX_4.10, and one of LINUX_4.14.
SEC("cgroup/sock_create") int old_field(struct bpf_sock *ctx)
{
	return ctx->family == 2;
}

SEC("cgroup/sock_create") int new_field(struct bpf_sock *ctx)
{
	return ctx->mark == 2;
}
#elif V == 62
char stamp[] SEC(".bpf.api") = "linux@LINUX_6.2";

extern struct task_struct *bpf_task_acquire(struct task_struct *p) weak ksym;
extern struct task_struct *bpf_task_kptr_get(struct task_struct **pp) weak ksym;
extern void bpf_task_release(struct task_struct *p) weak ksym;

// Never null when it was written.
SEC("tp_btf/task_newtask") int may_be_null(u64 *ctx)
{
	bpf_task_release(bpf_task_acquire((struct task_struct *)ctx[0]));
	return 0;
}

// Gone.
SEC("tp_btf/task_newtask") int removed(u64 *ctx)
{
	struct task_struct *task = bpf_task_kptr_get((struct task_struct **)ctx[0]);

	if (task)
		bpf_task_release(task);
	return 0;
}
#elif V == 612
char stamp[] SEC(".bpf.api") = "linux@LINUX_6.12";

struct bpf_dynptr {
	u64 opaque[2];
} __attribute__((aligned(8)));

extern u64 *bpf_session_cookie(void) weak ksym;
extern void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) weak ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *ptr__uninit) weak ksym;
extern u32 bpf_dynptr_size(const struct bpf_dynptr *ptr) weak ksym;
extern struct task_struct *bpf_task_from_pid(int pid) weak ksym;
extern void bpf_task_release(struct task_struct *p) weak ksym;

// Takes the context later.
SEC("kprobe.session/f") int takes_more(void *ctx)
{
	return *bpf_session_cookie() != 0;
}

// Another name.
SEC("struct_ops/enqueue") int renamed(u64 *ctx)
{
	scx_bpf_dispatch((struct task_struct *)ctx[0], 0, 0, 0);
	return 0;
}

// The same, and a size that has more bits later.
SEC("tc") int same(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr;

	bpf_dynptr_from_skb(skb, 0, &ptr);
	return bpf_dynptr_size(&ptr) != 0;
}

// Not for tracepoints before.
SEC("tracepoint/sched/sched_switch") int not_yet_allowed(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}
#else
char stamp[] SEC(".bpf.api") = "linux@LINUX_7.0";

extern u64 *bpf_session_cookie(void *ctx) weak ksym;

// Takes the context, which it did not before.
SEC("kprobe.session/f") int takes_more(void *ctx)
{
	return *bpf_session_cookie(ctx) != 0;
}
#endif
