/* clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c sections.c -o sections.o
 * What section names say of programs; struct_ops; an exception callback. */
#include "bpf.h"

struct sock_ops_table {
	const char *name;
	u32 flags;
	int (*init)(void *ctx);
	void (*release)(void *ctx);
};

SEC("struct_ops/init") int on_init(void *ctx)
{
	return 0;
}

SEC("struct_ops.s/release") int on_release(void *ctx)
{
	return 0;
}

SEC(".struct_ops.link") struct sock_ops_table linked = {
	.flags = 7, .init = (void *)on_init, .release = (void *)on_release,
};

SEC("?.struct_ops") struct sock_ops_table optional = { .init = (void *)on_init };

__attribute__((btf_decl_tag("exception_callback:caught"))) SEC("tc/ingress") int throws(void *ctx)
{
	return 0;
}

NOINLINE int caught(u64 cookie)
{
	OPAQUE();
	return cookie;
}

#define PROGRAM(section, name) SEC(section) int name(void *ctx) { return 0; }
PROGRAM("fentry/module:function", of_a_module)
PROGRAM("?fexit.s/do_nothing", sleeps)
PROGRAM("tp_btf/sched_switch", raw)
PROGRAM("lsm.s/file_open", hook)
PROGRAM("iter/task", iterates)
PROGRAM("freplace/old", replaces)
PROGRAM("kprobe/do_nanosleep+0x10", probe)
PROGRAM("fentry", anywhere)
PROGRAM("xdp.frags/devmap", fragments)
PROGRAM("cgroup_skb/ingress", ingress)
PROGRAM("nobody/knows", unknown)

char LICENSE[] SEC("license") = "GPL";
