"""Appends crafted frames to a capture: malformed ones, VLAN tags, extension headers, blocked sources.

    python3 craft.py web.pcap

Each frame has a name; with --list they are printed with the number that they have in the file.
"""

import struct
import sys

from scapy.all import (
    ARP,
    AH,
    ICMP,
    IP,
    TCP,
    UDP,
    Dot1AD,
    Dot1Q,
    Ether,
    ICMPv6EchoRequest,
    IPOption,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
    Raw,
    rdpcap,
)

ETHER = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")
FOUR = IP(src="10.77.0.2", dst="10.77.0.1")
SIX = IPv6(src="fd77::2", dst="fd77::1")
WEB = TCP(sport=40000, dport=80, flags="S", seq=1)
DNS = UDP(sport=40000, dport=53)


def cut(packet, length):
    """The first `length` bytes."""
    return bytes(packet)[:length]


def patch(packet, *changes):
    """The bytes with (offset, value) changes, and nothing computed again."""
    data = bytearray(bytes(packet))
    for offset, value in changes:
        data[offset] = value
    return bytes(data)


def fix_ip_checksum(data, offset=14):
    """The same bytes with a right IPv4 header checksum."""
    data = bytearray(data)
    length = max((data[offset] & 15) * 4, 20)
    data[offset + 10 : offset + 12] = b"\0\0"
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(offset, offset + length, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    data[offset + 10 : offset + 12] = (0xFFFF - total).to_bytes(2, "big")
    return bytes(data)


def frames():
    """Name and bytes of every frame."""
    syn = ETHER / FOUR / WEB
    query = ETHER / FOUR / DNS / Raw(b"q" * 24)
    syn6 = ETHER / SIX / WEB

    yield "ethernet header alone", cut(syn, 14)
    yield "IPv4 header cut", cut(syn, 14 + 12)
    yield "TCP header cut", fix_ip_checksum(patch(cut(syn, 14 + 20 + 10), (16, 0), (17, 30)))
    yield "total length beyond the frame", fix_ip_checksum(patch(syn, (16, 5), (17, 220)))
    yield "total length below the header", fix_ip_checksum(patch(syn, (16, 0), (17, 19)))
    yield "IHL 4", fix_ip_checksum(patch(syn, (14, 0x44)))
    yield "IHL 15 beyond total length", fix_ip_checksum(patch(syn, (14, 0x4F)) + bytes(20))
    yield "IP version 5", fix_ip_checksum(patch(syn, (14, 0x55)))
    yield "wrong header checksum", patch(syn, (24, 0xDE), (25, 0xAD))
    yield "TCP data offset 4", patch(syn, (14 + 20 + 12, 0x40))
    yield "TCP data offset beyond the segment", patch(syn, (14 + 20 + 12, 0xF0))
    yield "UDP length 7", patch(query, (14 + 20 + 4, 0), (14 + 20 + 5, 7))
    yield "UDP length beyond the datagram", patch(query, (14 + 20 + 4, 2))
    yield "ICMP of four bytes", ETHER / IP(src="10.77.0.2", dst="10.77.0.1", proto=1) / Raw(
        b"\x08\0\xf7\xff"
    )
    yield "IPv6 header cut", cut(syn6, 14 + 39)
    yield "IPv6 payload beyond the frame", patch(syn6, (14 + 4, 9))
    yield "IPv6 version 4", patch(syn6, (14, 0x40))
    yield "IPv6 extension cut", patch(
        cut(ETHER / SIX / IPv6ExtHdrHopByHop() / WEB, 14 + 40 + 4), (14 + 4, 0), (14 + 5, 4)
    )
    chain = ETHER / SIX
    for _ in range(7):
        chain = chain / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
    yield "IPv6 with seven extensions", chain / WEB
    yield "VLAN tag cut", cut(ETHER / Dot1Q(vlan=10) / FOUR / WEB, 16)
    yield "three VLAN tags", ETHER / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / FOUR / WEB

    yield "VLAN 100, TCP", ETHER / Dot1Q(vlan=100) / FOUR / WEB
    yield "VLAN 100, IPv6, UDP", ETHER / Dot1Q(vlan=100) / SIX / DNS / Raw(b"q" * 24)
    yield "QinQ 200/30, ICMP", ETHER / Dot1AD(vlan=200) / Dot1Q(vlan=30) / FOUR / ICMP()
    yield "VLAN 4, ARP", ETHER / Dot1Q(vlan=4) / ARP(psrc="10.77.0.2", pdst="10.77.0.1")
    yield "IPv4 with 40 bytes of options", ETHER / IP(
        src="10.77.0.2", dst="10.77.0.1", options=[IPOption(b"\x01")] * 40
    ) / WEB
    yield "padding after the datagram", bytes(ETHER / FOUR / UDP(sport=9, dport=9)) + bytes(18)
    yield "IPv6, hop-by-hop and destination options, ICMPv6", ETHER / SIX / IPv6ExtHdrHopByHop(
        options=[PadN(optdata=b"\0" * 4)]
    ) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)]) / ICMPv6EchoRequest()
    yield "IPv6, routing header, TCP", ETHER / SIX / IPv6ExtHdrRouting(addresses=["fd77::3"]) / WEB
    yield "IPv6, authentication header, UDP", ETHER / SIX / AH(
        nh=17, payloadlen=4, icv=b"\0" * 12
    ) / DNS / Raw(b"q" * 8)
    yield "IPv6, later fragment", ETHER / SIX / IPv6ExtHdrFragment(offset=181, nh=6, id=7) / Raw(b"x" * 8)
    yield "IPv4, later fragment", ETHER / IP(src="10.77.0.2", dst="10.77.0.1", frag=185, proto=6) / Raw(b"x" * 8)
    yield "GRE, which is not read", ETHER / IP(src="10.77.0.2", dst="10.77.0.1", proto=47) / Raw(b"\0" * 8)
    yield "another EtherType", Ether(src=ETHER.src, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(b"\x02\x07\x04" + bytes(20))

    yield "blocked IPv4, TCP", ETHER / IP(src="198.51.100.7", dst="10.77.0.1") / WEB
    yield "blocked IPv4, UDP", ETHER / IP(src="203.0.113.0", dst="10.77.0.1") / DNS / Raw(b"q" * 24)
    yield "blocked IPv6, TCP", ETHER / IPv6(src="2001:db8::bad", dst="fd77::1") / WEB
    yield "blocked IPv4 in VLAN 7", ETHER / Dot1Q(vlan=7) / IP(src="198.51.100.7", dst="10.77.0.1") / ICMP()
    yield "neighbour of a blocked source", ETHER / IP(src="203.0.113.1", dst="10.77.0.1") / WEB
    yield "blocked and malformed", patch(ETHER / IP(src="198.51.100.7", dst="10.77.0.1") / WEB, (46, 0x40))


def main() -> None:
    path = sys.argv[-1]
    if "--list" in sys.argv:
        crafted = list(frames())
        first = len(rdpcap(path)) - len(crafted) + 1
        for number, (name, _) in enumerate(crafted, first):
            print(number, name)
        return
    time = int(rdpcap(path)[-1].time)
    with open(path, "ab") as capture:
        for _, frame in frames():
            data = bytes(frame)
            time += 1
            capture.write(struct.pack("=4I", time, 0, len(data), len(data)) + data)


main()
