/* Programs that show one thing each; tests/linux.rs runs them.
 *
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c programs.bpf.c -o programs.bpf.o
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -DSTAMP='"linux@LINUX_5.8"' \
 *         -c programs.bpf.c -o programs-5.8.bpf.o
 *     clang-19 -O2 -g -target bpfeb -mcpu=v3 -ffile-compilation-dir=. -c programs.bpf.c -o programs-eb.bpf.o
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

static void *(*const lookup)(void *map, const void *key) = (void *)1;
static long (*const printk)(const char *fmt, u32 size, ...) = (void *)6;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;

char LICENSE[] SEC("license") = "GPL";
#ifdef STAMP
char stamp[] SEC(".bpf.api") = STAMP;
#endif

int target(struct xdp_md *ctx);
int again(struct xdp_md *ctx);

struct {
	__uint(type, 3); /* prog_array */
	__uint(max_entries, 4);
	__type(key, u32);
	int (*values[4])(struct xdp_md *);
} jumps SEC(".maps") = { .values = { [1] = target, [2] = again } };

struct {
	__uint(type, 2); /* array */
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

u64 runs = 0;

SEC("xdp")
int target(struct xdp_md *ctx)
{
	runs += 100;
	return 3;
}

/* Calls itself until the limit of tail calls; then goes on. */
SEC("xdp")
int again(struct xdp_md *ctx)
{
	runs++;
	tail_call(ctx, &jumps, 2);
	return 2;
}

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	tail_call(ctx, &jumps, 0);
	runs++;
	tail_call(ctx, &jumps, 1);
	return 1;
}

SEC("xdp")
int bad_verdict(struct xdp_md *ctx)
{
	return 9;
}

SEC("xdp")
int null_value(struct xdp_md *ctx)
{
	u32 key = 7;
	u64 *count = lookup(&counts, &key);

	*count += 1;
	return 2;
}

SEC("xdp")
int print(struct xdp_md *ctx)
{
	static const char format[] = "%d of %05x at %llu%%";

	return printk(format, sizeof(format), -1, 0xabc, 1ULL << 40) > 0 ? 2 : 1;
}
