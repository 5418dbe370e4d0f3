# Packets go to CPUs in turn; what cannot be added up is shown for each. Records without a struct are hex.
abide run $FIX/many.bpf.o --program bounce --packets $FIX/three.pcap --cpus 2 --maps cpus
abide run $FIX/many.bpf.o --program bounce --packets $FIX/three.pcap --cpus 2 --maps cpus --events 1 --format json
