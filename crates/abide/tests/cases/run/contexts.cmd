abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx colour=1
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx key=1
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=many
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=1,7
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx zz
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx 0x000000000000000000000000000000000100000000000000ff
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=1 --packet 0xabc
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx 000000000000000000000000000000000100000009000000
