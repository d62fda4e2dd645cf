"""Public keys that look like others and protect nothing.

The threat: a key set of another issuer, or a client's own key, under which strangers can sign.
"""

from __future__ import annotations

from typing import Final

GENERATOR: Final = 65_537
_PRIMES: Final = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89),
    *(97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)
_FIELD: Final = 2**255 - 19
# y-coordinates of the eight points whose order divides the cofactor (RFC 8032 section 5.1).
_SMALL: Final = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


def is_factored(modulus: int) -> bool:
    """Whether an RSA modulus has a small factor, or the shape of CVE-2017-15361.

    The primes of that faulty generator are powers of 65537 modulo the product of many small primes,
    and so is their product; of other moduli one in 2^27 is.
    """
    rests = [(modulus % prime, prime) for prime in _PRIMES]
    if modulus % 2 == 0 or any(rest == 0 for rest, _ in rests):
        return True
    return all(rest in _powers(prime) for rest, prime in rests)


def is_small_order(key: bytes) -> bool:
    """Whether an Ed25519 public key is of small order, or no canonical point at all."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return y >= _FIELD or y in _SMALL


def _powers(prime: int) -> set[int]:
    found, power = set[int](), 1
    while power not in found:
        found.add(power)
        power = power * GENERATOR % prime
    return found
