/* A packet filter for XDP: drops frames from blocklisted sources and frames that are malformed, counts
 * what it sees by protocol, and reports every drop as an event.
 *
 *     abide headers linux@LINUX_6.12 -o ../include
 *     clang-19 -O2 -g -target bpf -mcpu=v3 -ffile-compilation-dir=. -I ../include -c firewall.bpf.c -o firewall.bpf.o
 *
 * Reads Ethernet with up to two VLAN tags, IPv4 with options, IPv6 with extension headers, TCP, UDP,
 * ICMP and ICMPv6. `packet` is a dynptr over the bytes that are still to be read: each layer reads its
 * header at offset 0 and then moves the start past it. */
#include "linux.h"

#define htons(x) ((__be16)__builtin_bswap16(x))
#define ntohs(x) ((__u16)__builtin_bswap16(x))

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,

	NEXT_HOP_BY_HOP = 0,
	NEXT_ICMP = 1,
	NEXT_TCP = 6,
	NEXT_UDP = 17,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTHENTICATION = 51,
	NEXT_ICMPV6 = 58,
	NEXT_NONE = 59,
	NEXT_DESTINATION = 60,

	MAX_VLAN_TAGS = 2,
	MAX_EXTENSIONS = 8,
};

struct ethernet_header {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
} __attribute__((packed));

struct vlan_tag {
	__be16 control;
	__be16 type;
};

struct ipv4_header {
	__u8 version_and_length;
	__u8 service;
	__be16 total_length;
	__be16 identification;
	__be16 fragment;
	__u8 time_to_live;
	__u8 protocol;
	__be16 checksum;
	__be32 source;
	__be32 destination;
};

struct ipv6_header {
	__be32 version_and_flow;
	__be16 payload_length;
	__u8 next;
	__u8 hop_limit;
	__u32 source[4];
	__u32 destination[4];
};

/* Every extension header begins like this; the fragment header uses all eight bytes. */
struct ipv6_extension {
	__u8 next;
	__u8 length;
	__be16 fragment;
	__be32 identification;
};

struct tcp_header {
	__be16 source;
	__be16 destination;
	__be32 sequence;
	__be32 acknowledgement;
	__u8 data_offset;
	__u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};

struct udp_header {
	__be16 source;
	__be16 destination;
	__be16 length;
	__be16 checksum;
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 rest;
};

/* An IPv6 address, or an IPv4 address mapped into one (::ffff:a.b.c.d). */
struct address {
	__u8 bytes[16];
} __attribute__((aligned(8)));

/* Indexes of `counters`. */
enum protocol_counter {
	COUNT_TCP,
	COUNT_UDP,
	COUNT_ICMP,
	COUNT_ICMPV6,
	COUNT_OTHER_IP,
	COUNT_ARP,
	COUNT_OTHER,
	COUNT_PROTOCOLS,
};

struct counter {
	__u64 packets;
	__u64 bytes;
	__u64 drops;
};

/* Why a frame was dropped. */
enum reason {
	REASON_NONE,
	REASON_BLOCKED_SOURCE,
	REASON_TRUNCATED,
	REASON_BAD_VERSION,
	REASON_BAD_LENGTH,
	REASON_BAD_CHECKSUM,
	REASON_TOO_MANY_HEADERS,
};

/* What the ring buffer delivers for every drop. Ports of ICMP are its type and code. */
struct event {
	__u64 time_ns;
	struct address source;
	struct address destination;
	__u32 length;
	enum reason reason;
	__u16 source_port;
	__u16 destination_port;
	__u16 vlan;
	__u8 version;
	__u8 protocol;
};

/* Set by a loader before the program is loaded; a constant for the verifier. */
struct config {
	__u8 drop_malformed;
	__u8 verify_checksums;
	__u8 max_extensions;
};

const volatile struct config config = {
	.drop_malformed = 1,
	.verify_checksums = 1,
	.max_extensions = 6,
};

/* May be changed while the program runs. */
__u32 events_enabled = 1;

/* Events that found the ring buffer full. */
__u64 events_lost = 0;

/* Blocked sources, and how many frames each of them has sent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct address);
	__type(value, __u64);
} blocklist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_PROTOCOLS);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

/* What is known about a frame so far. */
struct frame {
	struct address source;
	struct address destination;
	__u32 length;
	__u32 counter;
	__u16 source_port;
	__u16 destination_port;
	__u16 vlan;
	__u8 version;
	__u8 protocol;
	__u8 later_fragment;
};

static __always_inline enum reason skip(struct bpf_dynptr *packet, __u32 bytes)
{
	if (bpf_dynptr_adjust(packet, bytes, bpf_dynptr_size(packet)))
		return REASON_TRUNCATED;
	return REASON_NONE;
}

/* Reads the Ethernet header and the VLAN tags; leaves the type of what follows in `type`. */
static __noinline enum reason read_ethernet(struct bpf_dynptr *packet, struct frame *frame, __be16 *type)
{
	struct ethernet_header ethernet_buffer = {};
	struct ethernet_header *ethernet;

	ethernet = bpf_dynptr_slice(packet, 0, &ethernet_buffer, sizeof(ethernet_buffer));
	if (!ethernet)
		return REASON_TRUNCATED;
	*type = ethernet->type;
	if (skip(packet, sizeof(*ethernet)))
		return REASON_TRUNCATED;

	for (int tags = 0; *type == htons(ETHERTYPE_VLAN) || *type == htons(ETHERTYPE_QINQ); tags++) {
		struct vlan_tag tag_buffer = {};
		struct vlan_tag *tag;

		if (tags == MAX_VLAN_TAGS)
			return REASON_TOO_MANY_HEADERS;
		tag = bpf_dynptr_slice(packet, 0, &tag_buffer, sizeof(tag_buffer));
		if (!tag)
			return REASON_TRUNCATED;
		*type = tag->type;
		frame->vlan = ntohs(tag->control) & 0xfff;
		if (skip(packet, sizeof(*tag)))
			return REASON_TRUNCATED;
	}
	return REASON_NONE;
}

static __always_inline void map_ipv4(struct address *address, __be32 ipv4)
{
	__builtin_memset(address->bytes, 0, 10);
	__builtin_memset(address->bytes + 10, 0xff, 2);
	__builtin_memcpy(address->bytes + 12, &ipv4, sizeof(ipv4));
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __noinline enum reason read_ipv4(struct bpf_dynptr *packet, struct frame *frame)
{
	struct ipv4_header ip_buffer = {};
	struct ipv4_header *ip;
	__u32 header, total, sum;

	ip = bpf_dynptr_slice(packet, 0, &ip_buffer, sizeof(ip_buffer));
	if (!ip)
		return REASON_TRUNCATED;
	frame->version = 4;
	frame->protocol = ip->protocol;
	map_ipv4(&frame->source, ip->source);
	map_ipv4(&frame->destination, ip->destination);

	if (ip->version_and_length >> 4 != 4)
		return REASON_BAD_VERSION;
	header = (ip->version_and_length & 0xf) * 4;
	total = ntohs(ip->total_length);
	if (header < sizeof(*ip) || total < header)
		return REASON_BAD_LENGTH;
	if (total > bpf_dynptr_size(packet))
		return REASON_TRUNCATED;

	if (config.verify_checksums) {
		sum = bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0);
		for (__u32 offset = sizeof(*ip); offset < 60 && offset < header; offset += 4) {
			__be32 option_buffer = 0;
			__be32 *option;

			option = bpf_dynptr_slice(packet, offset, &option_buffer, sizeof(option_buffer));
			if (!option)
				return REASON_TRUNCATED;
			sum = bpf_csum_diff(0, 0, option, sizeof(*option), sum);
		}
		if (fold(sum) != 0xffff)
			return REASON_BAD_CHECKSUM;
	}

	frame->later_fragment = (ip->fragment & htons(0x1fff)) != 0;
	/* Ethernet pads short frames: what is after the datagram is not part of it. */
	if (bpf_dynptr_adjust(packet, header, total))
		return REASON_TRUNCATED;
	return REASON_NONE;
}

static __noinline enum reason read_ipv6(struct bpf_dynptr *packet, struct frame *frame)
{
	struct ipv6_header ip_buffer = {};
	struct ipv6_header *ip;
	__u32 payload;
	__u8 next;

	ip = bpf_dynptr_slice(packet, 0, &ip_buffer, sizeof(ip_buffer));
	if (!ip)
		return REASON_TRUNCATED;
	frame->version = 6;
	frame->protocol = ip->next;
	__builtin_memcpy(frame->source.bytes, ip->source, sizeof(ip->source));
	__builtin_memcpy(frame->destination.bytes, ip->destination, sizeof(ip->destination));
	if (__builtin_bswap32(ip->version_and_flow) >> 28 != 6)
		return REASON_BAD_VERSION;
	payload = ntohs(ip->payload_length);
	next = ip->next;
	if (sizeof(*ip) + payload > bpf_dynptr_size(packet))
		return REASON_TRUNCATED;
	if (bpf_dynptr_adjust(packet, sizeof(*ip), sizeof(*ip) + payload))
		return REASON_TRUNCATED;

	for (int i = 0; i <= MAX_EXTENSIONS; i++) {
		struct ipv6_extension extension_buffer = {};
		struct ipv6_extension *extension;
		__u32 length;

		frame->protocol = next;
		if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT &&
		    next != NEXT_AUTHENTICATION && next != NEXT_DESTINATION)
			return REASON_NONE;
		if (i >= config.max_extensions)
			return REASON_TOO_MANY_HEADERS;
		extension = bpf_dynptr_slice(packet, 0, &extension_buffer, sizeof(extension_buffer));
		if (!extension)
			return REASON_TRUNCATED;
		if (next == NEXT_FRAGMENT)
			length = 8;
		else if (next == NEXT_AUTHENTICATION)
			length = (extension->length + 2) * 4;
		else
			length = (extension->length + 1) * 8;
		if (next == NEXT_FRAGMENT && extension->fragment & htons(0xfff8)) {
			frame->later_fragment = 1;
			frame->protocol = extension->next;
			return REASON_NONE;
		}
		next = extension->next;
		if (skip(packet, length))
			return REASON_TRUNCATED;
	}
	return REASON_TOO_MANY_HEADERS;
}

/* Reads the header of the transport protocol, whose first byte is the first of `packet`. */
static __noinline enum reason read_transport(struct bpf_dynptr *packet, struct frame *frame)
{
	__u32 available = bpf_dynptr_size(packet);

	switch (frame->protocol) {
	case NEXT_TCP: {
		struct tcp_header tcp_buffer = {};
		struct tcp_header *tcp;
		__u32 header;

		tcp = bpf_dynptr_slice(packet, 0, &tcp_buffer, sizeof(tcp_buffer));
		if (!tcp)
			return REASON_TRUNCATED;
		frame->source_port = ntohs(tcp->source);
		frame->destination_port = ntohs(tcp->destination);
		header = (tcp->data_offset >> 4) * 4;
		if (header < sizeof(*tcp))
			return REASON_BAD_LENGTH;
		return header > available ? REASON_TRUNCATED : REASON_NONE;
	}
	case NEXT_UDP: {
		struct udp_header udp_buffer = {};
		struct udp_header *udp;
		__u32 length;

		udp = bpf_dynptr_slice(packet, 0, &udp_buffer, sizeof(udp_buffer));
		if (!udp)
			return REASON_TRUNCATED;
		frame->source_port = ntohs(udp->source);
		frame->destination_port = ntohs(udp->destination);
		length = ntohs(udp->length);
		if (length < sizeof(*udp))
			return REASON_BAD_LENGTH;
		return length > available ? REASON_TRUNCATED : REASON_NONE;
	}
	case NEXT_ICMP:
	case NEXT_ICMPV6: {
		struct icmp_header icmp_buffer = {};
		struct icmp_header *icmp;

		icmp = bpf_dynptr_slice(packet, 0, &icmp_buffer, sizeof(icmp_buffer));
		if (!icmp)
			return REASON_TRUNCATED;
		frame->source_port = icmp->type;
		frame->destination_port = icmp->code;
		return REASON_NONE;
	}
	}
	return REASON_NONE;
}

static __always_inline __u32 counter_of(const struct frame *frame)
{
	switch (frame->protocol) {
	case NEXT_TCP:
		return COUNT_TCP;
	case NEXT_UDP:
		return COUNT_UDP;
	case NEXT_ICMP:
		return COUNT_ICMP;
	case NEXT_ICMPV6:
		return COUNT_ICMPV6;
	}
	return COUNT_OTHER_IP;
}

/* The reason to drop the frame, or REASON_NONE. */
static __always_inline enum reason judge(struct bpf_dynptr *packet, struct frame *frame)
{
	enum reason reason;
	__be16 type = 0;
	__u64 *hits;

	reason = read_ethernet(packet, frame, &type);
	if (reason)
		return reason;
	if (type == htons(ETHERTYPE_IPV4)) {
		reason = read_ipv4(packet, frame);
	} else if (type == htons(ETHERTYPE_IPV6)) {
		reason = read_ipv6(packet, frame);
	} else {
		if (type == htons(ETHERTYPE_ARP))
			frame->counter = COUNT_ARP;
		return REASON_NONE;
	}
	if (frame->version)
		frame->counter = counter_of(frame);
	if (!reason && !frame->later_fragment)
		reason = read_transport(packet, frame);
	if (!frame->version)
		return reason;

	/* A blocked source is told from a malformed frame even if the frame is both. */
	hits = bpf_map_lookup_elem(&blocklist, &frame->source);
	if (hits) {
		__sync_fetch_and_add(hits, 1);
		return REASON_BLOCKED_SOURCE;
	}
	return reason;
}

/* `struct event` is in the object's BTF because it is a parameter here. */
static __noinline void fill(struct event *event, const struct frame *frame, enum reason reason)
{
	event->time_ns = bpf_ktime_get_ns();
	event->source = frame->source;
	event->destination = frame->destination;
	event->length = frame->length;
	event->reason = reason;
	event->source_port = frame->source_port;
	event->destination_port = frame->destination_port;
	event->vlan = frame->vlan;
	event->version = frame->version;
	event->protocol = frame->protocol;
}

static __always_inline void report(const struct frame *frame, enum reason reason)
{
	struct event *event;

	if (!events_enabled)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&events_lost, 1);
		return;
	}
	fill(event, frame, reason);
	bpf_ringbuf_submit(event, 0);
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct frame frame = { .counter = COUNT_OTHER };
	struct bpf_dynptr packet;
	struct counter *counter;
	enum reason reason;
	int drop;

	if (bpf_dynptr_from_xdp(ctx, 0, &packet))
		return XDP_ABORTED;
	frame.length = bpf_dynptr_size(&packet);

	reason = judge(&packet, &frame);
	drop = reason == REASON_BLOCKED_SOURCE || (reason && config.drop_malformed);

	counter = bpf_map_lookup_elem(&counters, &frame.counter);
	if (counter) {
		counter->packets++;
		counter->bytes += frame.length;
		if (drop)
			counter->drops++;
	}
	if (!drop)
		return XDP_PASS;
	report(&frame, reason);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
