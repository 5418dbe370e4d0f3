# Packets that trap are counted by place; all maps are shown.
abide run $FIX/many.bpf.o --checked --program careless --packets $FIX/three.pcap --map lengths=$FIX/lengths.map --maps all --write $TMP/out.pcap
abide run $FIX/many.bpf.o --checked --program careless --packets $FIX/three.pcap --format json
