# A run compared with its proof, and what does not go together.
abide run examples/firewall/firewall.bpf.o --packets examples/firewall/web.pcap --map blocklist=examples/firewall/blocklist.txt --paranoid --maps none --events 0
abide run examples/kv/kv_v1.bpf.o --api examples/kv/kv.api --host kv@KV_3 --ctx op=1 --packet 0x6b6579 --paranoid
abide run $FIX/many.bpf.o --program careless --packets $FIX/three.pcap --paranoid
abide run $FIX/many.bpf.o --program careless --packets $FIX/three.pcap --paranoid --checked
