// The types of a kernel, old and new: see operations.c for how it is compiled.
typedef unsigned int u32;
typedef unsigned long long u64;

struct sock;
struct rate_sample;
struct request;
struct pair {
	u64 a, b;
};

struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *);
#ifdef OLD
	void (*cong_control)(struct sock *, const struct rate_sample *);
#else
	void (*cong_control)(struct sock *, u32, int, const struct rate_sample *);
	char name[16];
#endif
};
struct bpf_struct_ops_tcp_congestion_ops {
	struct tcp_congestion_ops data;
};
struct bpf_struct_ops_tcp_congestion_ops ops;

#ifdef OLD
typedef void (*btf_trace_inserted)(void *, struct request *);
int flush(struct pair pair)
#else
typedef void (*btf_trace_inserted)(void *, void *, struct request *);
int flush(struct pair pair, int how)
#endif
{
	return pair.a != 0;
}
btf_trace_inserted trace;
int bpf_lsm_opened(struct request *request)
{
	return 0;
}
