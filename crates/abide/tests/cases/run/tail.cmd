# The object fills its program array, so that all of it is loaded.
abide run $FIX/tail.bpf.o --program first --packets $FIX/three.pcap
