# Without a stamp: the version is inferred.
abide inspect $FIX/many.bpf.o
abide inspect $FIX/tail.bpf.o
