/* Fields that are looked up in the types of the host; tests/core.rs runs it on those of core-host.c.
 *
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c core.bpf.c -o core.bpf.o
 */
typedef unsigned int u32;

#define SEC(name) __attribute__((section(name), used))
#define exists(field) __builtin_preserve_field_info(field, 2)

/* As much as is needed, in an order of its own. */
struct xdp_md {
	u32 rx_queue_index;
	u32 gone;
	u32 ingress_ifindex;
} __attribute__((preserve_access_index));

char LICENSE[] SEC("license") = "GPL";

static __attribute__((noinline)) int queue(struct xdp_md *ctx)
{
	asm volatile("" ::: "memory");
	return ctx->rx_queue_index;
}

SEC("xdp") int asks_first(struct xdp_md *ctx)
{
	if (exists(ctx->gone))
		return ctx->gone;
	return queue(ctx);
}

static __attribute__((noinline)) int missing(struct xdp_md *ctx)
{
	asm volatile("" ::: "memory");
	return ctx->gone;
}

SEC("xdp") int does_not_ask(struct xdp_md *ctx)
{
	if (ctx->ingress_ifindex == 7)
		return missing(ctx);
	return 2;
}
