abide inspect examples/firewall/firewall.bpf.o
abide inspect examples/firewall/firewall.bpf.o --format json
