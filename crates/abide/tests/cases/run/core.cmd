# Instructions that depend on the types of the host.
abide run crates/runtime/tests/cases/core.bpf.o --program asks_first
abide run crates/runtime/tests/cases/core.bpf.o --program asks_first --btf crates/runtime/tests/cases/core-host.o --ctx rx_queue_index=3
abide run crates/runtime/tests/cases/core.bpf.o --checked --program does_not_ask --btf crates/runtime/tests/cases/core-host.o --ctx ingress_ifindex=7
abide run crates/object/tests/cases/core.o --btf crates/object/tests/cases/core-host.o
abide run crates/object/tests/cases/core.o --btf $FIX/half.s
# Types of a host of the other byte order.
abide run crates/object/tests/cases/core.o --btf crates/object/tests/cases/core.be.o
