# How calls are served: preserved, adapted, added, renumbered, and a deprecation. The bodies are the kv host's.
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=1 --packet 0x6b6579
abide run examples/kv/kv_v1_find.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=1 --packet 0x6b6579
abide run examples/kv/kv_v3.bpf.o --api examples/kv/kv.api --host kv@acme_lts --ctx op=1 --packet 0x6b6579
abide run examples/kv/kv_log.bpf.o --api examples/kv/kv.api --host kv@acme_lts
abide run examples/kv/kv_log.bpf.o --api examples/kv/kv.api --host kv@KV_2
