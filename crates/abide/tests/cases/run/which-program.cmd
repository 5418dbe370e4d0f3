abide run $FIX/many.bpf.o
abide run $FIX/many.bpf.o --program nobody
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --packets $FIX/three.pcap
