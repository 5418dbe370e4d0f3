# Files that are no captures for us.
abide run examples/firewall/firewall.bpf.o --packets $FIX/ng.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/not.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/empty.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/version-9.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/cut.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/huge.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/raw-ip.pcap
