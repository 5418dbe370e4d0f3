# A program that is safe; one that is not, and why; a budget; a program that is not there.
abide verify examples/firewall/firewall.bpf.o
abide asm crates/abide/tests/fixtures/unproved.s -o $TMP/unproved.o
abide verify $TMP/unproved.o --host linux@LINUX_6.12
abide verify $TMP/unproved.o --host linux@LINUX_6.12 --format json
abide verify examples/firewall/firewall.bpf.o --budget 100
abide verify examples/firewall/firewall.bpf.o --program nobody
abide verify examples/kv/kv_v3.bpf.o --api examples/kv/kv.api --host kv@KV_3
# Types of a host of the other byte order.
abide verify crates/object/tests/cases/core.o --btf crates/object/tests/cases/core.be.o
