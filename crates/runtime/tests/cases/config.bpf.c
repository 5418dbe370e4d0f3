/* What a program asks of its host's configuration, and what it can do without; tests/config.rs runs it.
 *
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c config.bpf.c -o config.bpf.o
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool LINUX_HAS_BPF_COOKIE __kconfig;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig __weak;
extern int LINUX_LATER __kconfig __weak;
extern u32 CONFIG_HZ __kconfig;
extern char CONFIG_NAME[8] __kconfig __weak;
extern enum libbpf_tristate CONFIG_VETH __kconfig __weak;
extern const int no_such_variable __ksym __weak;
extern int no_such_function(struct xdp_md *ctx) __ksym __weak;

char LICENSE[] SEC("license") = "GPL";

struct answers {
	u32 version, hz, cookie, later, veth, letter, variable, function;
};
struct answers answers;

SEC("xdp")
int ask(struct xdp_md *ctx)
{
	answers.version = LINUX_KERNEL_VERSION;
	answers.hz = CONFIG_HZ;
	answers.cookie = LINUX_HAS_BPF_COOKIE;
	answers.later = LINUX_LATER;
	answers.veth = CONFIG_VETH;
	answers.letter = CONFIG_NAME[1];
	answers.variable = &no_such_variable ? 1 : 2;
	if (no_such_function)
		answers.function = no_such_function(ctx);
	else
		answers.function = 3;
	return LINUX_HAS_SYSCALL_WRAPPER + 1;
}

/* Not loaded unless it is asked for. */
SEC("?xdp")
int only_on_request(struct xdp_md *ctx)
{
	return 3;
}
