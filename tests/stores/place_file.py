"""Writes small files in MaxMind's format (version 2.0), for tests of who reads them."""

from __future__ import annotations

import struct
from ipaddress import ip_network

UINT16, UINT32, UINT64 = 5, 6, 9
MARKER = b"\xab\xcd\xefMaxMind.com"


def _control(kind: int, size: int) -> bytes:
    head = kind << 5 if kind < 8 else 0
    extra = b"" if kind < 8 else bytes([kind - 7])
    if size < 29:
        return bytes([head | size]) + extra
    return bytes([head | 29]) + extra + bytes([size - 29])


def encode(value: object) -> bytes:
    if isinstance(value, str):
        data = value.encode()
        return _control(2, len(data)) + data
    if isinstance(value, dict):
        pairs = b"".join(encode(key) + encode(item) for key, item in value.items())
        return _control(7, len(value)) + pairs
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, tuple):
        kind, number = value
        data = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return _control(kind, len(data)) + data
    raise TypeError(value)


def place_file(path, places: dict[str, object]) -> None:
    """A file that knows these networks (IPv4 as ::/96, like the real ones) and what they hold."""
    tree: list[list[object]] = [[None, None]]
    data = b""
    for network, record in places.items():
        parsed = ip_network(network)
        bits = int(parsed.network_address)
        depth = parsed.prefixlen + (96 if parsed.version == 4 else 0)
        path_bits = f"{bits:0128b}"[:depth]
        node = 0
        for bit in path_bits[:-1]:
            child = tree[node][int(bit)]
            if child is None:
                tree.append([None, None])
                child = tree[node][int(bit)] = len(tree) - 1
            node = child
        tree[node][int(path_bits[-1])] = ("data", len(data))
        data += encode(record)
    count = len(tree)

    def pointer(entry):
        if entry is None:
            return count
        return count + 16 + entry[1] if isinstance(entry, tuple) else entry

    nodes = b"".join(
        struct.pack(">I", pointer(left)) + struct.pack(">I", pointer(right)) for left, right in tree
    )
    metadata = {
        "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1),
        "database_type": "Test-City",
        "description": {"en": "test"},
        "ip_version": (UINT16, 6),
        "languages": ["en"],
        "node_count": (UINT32, count),
        "record_size": (UINT16, 32),
    }
    path.write_bytes(nodes + b"\0" * 16 + data + MARKER + encode(metadata))
