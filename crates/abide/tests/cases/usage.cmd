# Command lines that make no sense.
abide
abide run
abide run x.o --write out.pcap
abide run x.o --repeat 0
abide run x.o --packets a --ctx b
abide --format xml explain
