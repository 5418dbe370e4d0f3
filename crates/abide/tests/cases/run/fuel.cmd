abide run examples/firewall/firewall.bpf.o --packets $FIX/three.pcap --fuel 10
