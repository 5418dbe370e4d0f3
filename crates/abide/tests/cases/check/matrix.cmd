# Programs on hosts: a matrix, ranges, a table for a README, data.
abide check examples/firewall/firewall.bpf.o
abide check examples/firewall/firewall.bpf.o --against nodes
abide check examples/firewall/firewall.bpf.o --against LINUX_6.12,LINUX_7.3
abide check examples/kv --api examples/kv/kv.api --against all
abide check examples/firewall/firewall.bpf.o --against LINUX_6.1,linux@debian_6.12_cloud --format markdown
abide check examples/firewall/firewall.bpf.o --against LINUX_6.4 --format json
