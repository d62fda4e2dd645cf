"""CRC32C (RFC 3720 appendix B.4): tells accidents on the way, not attacks."""

from __future__ import annotations

from typing import Final

POLYNOMIAL: Final = 0x82F63B78
ALL: Final = 0xFFFFFFFF
BITS: Final = 8


def crc32c(data: bytes) -> int:
    """The checksum of a few bytes."""
    found = ALL
    for byte in data:
        found ^= byte
        for _ in range(BITS):
            found = found >> 1 ^ (POLYNOMIAL if found & 1 else 0)
    return found ^ ALL
