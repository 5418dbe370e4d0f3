# Every way of being refused.
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api
abide run examples/kv/kv_v3.bpf.o --api examples/kv/kv.api --host kv@KV_1
abide run examples/kv/kv_peek.bpf.o --api examples/kv/kv.api --host kv@KV_1:2026-01-01
abide run examples/kv/kv_lying.bpf.o --api examples/kv/kv.api
abide run examples/kv/kv_unstamped.bpf.o --api examples/kv/kv.api
abide run examples/kv/kv_v1.bpf.o
abide run examples/kv/kv_v3.bpf.o --api examples/kv/kv.api --host kv@KV_1 --format json
