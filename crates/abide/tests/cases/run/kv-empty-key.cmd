# Without a key the filter calls nothing, and returns.
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=0x1,verdict=7
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=1 --packet 00 --format json
