# Each requirement, and what serves it.
abide check examples/firewall/firewall.bpf.o --explain firewall@LINUX_6.4
abide check examples/firewall/firewall.bpf.o --explain firewall@debian_7.3
abide check examples/kv/kv_v1_find.bpf.o --api examples/kv/kv.api --explain filter@KV_3 --format json
