# Current, preserved, too new.
abide run examples/firewall/firewall.bpf.o --packets examples/firewall/web.pcap --host linux@LINUX_6.12 --maps none --events 0
abide run examples/firewall/firewall.bpf.o --packets examples/firewall/web.pcap --host linux@LINUX_6.4
abide run examples/firewall/firewall.bpf.o --packets examples/firewall/web.pcap --host linux@LINUX_7.3:2031-02-08
abide run examples/firewall/firewall.bpf.o --packets examples/firewall/web.pcap --host linux@LINUX_7.3:2031-02-07 --maps none --events 0
