abide inspect examples/kv/kv_v2.bpf.o --api examples/kv/kv.api
abide inspect examples/kv/kv_lying.bpf.o --api examples/kv/kv.api
# Its API is not known here: what it holds is shown all the same.
abide inspect examples/kv/kv_v1.bpf.o
abide inspect examples/kv/kv_unstamped.bpf.o --api examples/kv/kv.api --format json
