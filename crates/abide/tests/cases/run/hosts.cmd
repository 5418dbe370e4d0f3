abide run examples/firewall/firewall.bpf.o --host LINUX_6.12
abide run examples/firewall/firewall.bpf.o --host kv@KV_1
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_99
abide run examples/firewall/firewall.bpf.o --host linux@LINUX_6.12:soon
abide run examples/firewall/firewall.bpf.o --api examples/kv/kv.api --host kv@KV_1
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --api examples/kv/kv.api
