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
# Attached to a function: without the host's types, and with types that lack it.
abide asm $FIX/attached.s -o $TMP/attached.o
abide verify $TMP/attached.o --host linux@LINUX_6.12
abide verify $TMP/attached.o --host linux@LINUX_6.12 --btf crates/object/tests/cases/core-host.o
# Values of a configuration: from the version of the host, from a file, or none.
abide verify crates/runtime/tests/cases/config.bpf.o --host linux@LINUX_6.12
abide verify crates/runtime/tests/cases/config.bpf.o --host linux@LINUX_6.12 --kconfig $FIX/kconfig
