# Traffic control: verdicts by name, trace output, and on a context.
abide run $FIX/many.bpf.o --program classify --packets $FIX/three.pcap --events 2 --write $TMP/out.pcap
abide run $FIX/many.bpf.o --program classify --ctx len=7
