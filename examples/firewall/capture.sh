#!/bin/sh
# Makes web.pcap: real traffic between two network namespaces that it makes and removes, and after it
# the frames of craft.py. Needs root, iproute2, ethtool, tcpdump, curl, dig, ping, python3 with scapy.
#
#     sudo ./capture.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=abide-server-$$
client=abide-client-$$

finish() {
    for pid in ${pids:-}; do kill "$pid" 2>/dev/null || true; done
    ip netns del "$server" 2>/dev/null || true
    ip netns del "$client" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT INT TERM

ip netns add "$server"
ip netns add "$client"
ip -n "$server" link add web0 address 02:00:00:00:00:01 type veth \
    peer name web1 address 02:00:00:00:00:02 netns "$client"
# One frame per packet, with the checksums that a wire would carry.
ip netns exec "$server" ethtool -K web0 tx off tso off gso off gro off >/dev/null
ip netns exec "$client" ethtool -K web1 tx off tso off gso off gro off >/dev/null
ip -n "$server" addr add 10.77.0.1/24 dev web0
ip -n "$server" addr add fd77::1/64 dev web0 nodad
ip -n "$client" addr add 10.77.0.2/24 dev web1
ip -n "$client" addr add 10.77.0.66/24 dev web1
ip -n "$client" addr add fd77::2/64 dev web1 nodad
ip -n "$client" addr add fd77::66/64 dev web1 nodad preferred_lft 0
ip -n "$server" link set lo up
ip -n "$client" link set lo up

# The capture begins before the link is up, so that it has neighbour discovery and multicast reports.
ip netns exec "$server" tcpdump -q -U -i web0 -s 0 -w "$work/web.pcap" 2>"$work/tcpdump.log" &
pids=$!
ip -n "$server" link set web0 up
ip -n "$client" link set web1 up
sleep 2

mkdir "$work/www"
echo '<!doctype html><title>Abide</title><p>It works.' >"$work/www/index.html"
seq 1 1500 >"$work/www/numbers.txt"
seq -s ' ' 1 300 >"$work/www/style.css"
cd "$work/www"
ip netns exec "$server" python3 -m http.server --bind :: 80 >"$work/http.log" 2>&1 &
pids="$pids $!"
ip netns exec "$server" python3 "$here/dns.py" >"$work/dns.log" 2>&1 &
pids="$pids $!"
sleep 1

in_client() { ip netns exec "$client" "$@"; }
for host in 10.77.0.1 '[fd77::1]'; do
    for path in index.html style.css numbers.txt missing; do
        in_client curl -s -o /dev/null "http://$host/$path"
    done
done
in_client curl -s -I -o /dev/null http://10.77.0.1/
for name in www.example.test mail.example.test nothing.example.test; do
    in_client dig +tries=1 +time=2 @10.77.0.1 "$name" A >/dev/null
    in_client dig +tries=1 +time=2 @fd77::1 "$name" AAAA >/dev/null
done
in_client ping -q -c 4 -i 0.2 10.77.0.1 >/dev/null
in_client ping -q -c 4 -i 0.2 -s 600 fd77::1 >/dev/null
# Three fragments each.
in_client ping -q -c 1 -s 3500 10.77.0.1 >/dev/null
in_client ping -q -c 1 -s 3500 fd77::1 >/dev/null
# IPv4 options: record route.
in_client ping -q -c 1 -R 10.77.0.1 >/dev/null
# Closed ports: a reset, an ICMP error.
in_client curl -s -o /dev/null http://10.77.0.1:81/ || true
in_client dig +tries=1 +time=1 -p 5353 @10.77.0.1 www.example.test >/dev/null || true
# A client whose addresses are on the block list.
in_client curl -s -o /dev/null --interface 10.77.0.66 http://10.77.0.1/
in_client curl -s -o /dev/null --interface fd77::66 'http://[fd77::1]/'
in_client ping -q -c 2 -i 0.2 -I 10.77.0.66 10.77.0.1 >/dev/null
in_client ping -q -c 2 -i 0.2 -I fd77::66 fd77::1 >/dev/null
sleep 1

cd "$here"
kill "${pids%% *}"
sleep 1
cp "$work/web.pcap" web.pcap
python3 craft.py web.pcap
tcpdump -q -r web.pcap 2>/dev/null | wc -l
