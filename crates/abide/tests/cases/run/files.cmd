abide run no-such.o
abide run crates
abide run $FIX/lengths.map
abide run examples/firewall/firewall.bpf.o --packets no-such.pcap
abide run examples/firewall/firewall.bpf.o --packets $FIX/three.pcap --write $TMP/none/out.pcap
abide run no-such.o --format json
