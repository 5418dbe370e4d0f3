"""A name server for capture.sh: answers A and AAAA for two names, NXDOMAIN for all others."""

import ipaddress
import socket
import struct

A, AAAA = 1, 28
HOSTS = {
    "www.example.test": ("10.77.0.1", "fd77::1"),
    "mail.example.test": ("10.77.0.25", "fd77::25"),
}


def answer(query: bytes) -> bytes:
    """The reply to a query with one question (RFC 1035, section 4)."""
    at, labels = 12, []
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    question = query[12 : at + 5]
    (kind,) = struct.unpack_from("!H", query, at + 1)
    addresses = HOSTS.get(".".join(labels).lower())
    data = b""
    if addresses and kind in (A, AAAA):
        data = ipaddress.ip_address(addresses[kind == AAAA]).packed
    flags = 0x8580 if addresses else 0x8583
    reply = query[:2] + struct.pack("!5H", flags, 1, 1 if data else 0, 0, 0) + question
    if data:
        reply += struct.pack("!3HIH", 0xC00C, kind, 1, 300, len(data)) + data
    return reply


def main() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 53))
        while True:
            query, client = server.recvfrom(2048)
            server.sendto(answer(query), client)


main()
