abide run $FIX/many.bpf.o --checked --program careless --map lengths=$FIX/bad-line.map
abide run $FIX/many.bpf.o --checked --program careless --map lengths=$FIX/bad-key.map
abide run $FIX/many.bpf.o --checked --program careless --map lengths=$FIX/too-many.map
abide run $FIX/many.bpf.o --checked --program careless --map sizes=$FIX/lengths.map
abide run $FIX/many.bpf.o --checked --program bounce --map raw=$FIX/lengths.map
abide run $FIX/many.bpf.o --checked --program careless --map lengths
