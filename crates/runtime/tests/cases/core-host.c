/* Types of a host, for core.bpf.c.
 *
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -c core-host.c -o core-host.o
 */
struct xdp_md {
	unsigned int data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
} context;
