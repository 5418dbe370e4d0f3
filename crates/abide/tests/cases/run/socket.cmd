abide run $FIX/many.bpf.o --program head --packets $FIX/nanos-big-endian.pcap
abide run $FIX/many.bpf.o --program head --packets $FIX/three.pcap --write $TMP/out.pcap
