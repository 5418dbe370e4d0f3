abide run examples/firewall/firewall.bpf.o --packets examples/firewall/web.pcap --map blocklist=examples/firewall/blocklist.txt --write $TMP/passed.pcap --events 2 --format json
