# What cannot be checked, and the others are all the same.
abide check examples/kv/kv_v1.bpf.o examples/firewall/firewall.bpf.o README.md no-such-file.o --against LINUX_6.12
abide check examples/firewall/firewall.bpf.o --against LINUX_9.9
abide check examples/firewall/firewall.bpf.o --against docs
abide check docs --against LINUX_6.12
abide check examples/firewall/firewall.bpf.o --explain firewall
abide check examples/firewall/firewall.bpf.o --explain nothing@LINUX_6.12
abide check examples/firewall/firewall.bpf.o --explain firewall@LINUX_9.9
abide check examples/firewall/firewall.bpf.o examples/kv/kv_v1.bpf.o --explain firewall@LINUX_6.12
abide inspect examples/firewall/firewall.bpf.o --format markdown
abide check examples/firewall/firewall.bpf.o --against LINXU_6.1
abide check examples/firewall/firewall.bpf.o --against 6.1
abide check examples/firewall/firewall.bpf.o --against LINUX_6.1,,LINUX_6.2
abide check examples/firewall/firewall.bpf.o --against LINUX_6.1:2026-13-01
abide check examples/firewall/firewall.bpf.o --against btf:no-such.btf
abide check examples/firewall/firewall.bpf.o --explain firewal@LINUX_6.1
