"""Attack: pieces of an encrypted file are cut off, dropped, repeated, exchanged or appended.

Each piece is genuine; what is wrong is where it stands, or that it is missing (ASVS 11.3.3).
"""

from __future__ import annotations

import os

import pytest

from zenith.encryption import Context, DataKey, DecryptionError, Keyring, KeyState, StreamCipher
from zenith.encryption.streams import HEADER, PIECE, TAG

RING = Keyring([DataKey.new().within(KeyState.ACTIVE)])
CIPHER = StreamCipher(RING)
EXPORT = Context("export", "people")
DATA = os.urandom(3 * PIECE + 100)
STREAM = b"".join(CIPHER.encrypt([DATA], EXPORT))
HEAD, BODY = STREAM[:HEADER], STREAM[HEADER:]
WHOLE = PIECE + TAG
PIECES = [BODY[start : start + WHOLE] for start in range(0, len(BODY), WHOLE)]
OTHER = b"".join(CIPHER.encrypt([DATA], EXPORT))


def opened(stream: bytes, context: Context = EXPORT, cipher: StreamCipher = CIPHER) -> bytes:
    return b"".join(cipher.decrypt([stream], context))


def test_it_opens_as_it_is():
    assert opened(STREAM) == DATA
    assert len(PIECES) == 4


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        PIECES[:1],
        PIECES[:3],
        PIECES[1:],
        PIECES[:1] + PIECES[2:],
        [PIECES[1], PIECES[0], *PIECES[2:]],
        [PIECES[0], PIECES[0], *PIECES[1:]],
        [*PIECES, PIECES[-1]],
        [*PIECES, PIECES[0]],
        [*PIECES[:3], PIECES[3], b"x"],
        [*PIECES[:3], b""],
        [PIECES[3]],
        [PIECES[0], PIECES[3]],
    ],
    ids=range(13),
)
def test_pieces_stand_in_their_places(pieces):
    with pytest.raises(DecryptionError):
        opened(HEAD + b"".join(pieces))


@pytest.mark.parametrize("length", [0, 1, 4, HEADER - 1, HEADER, HEADER + 1, HEADER + WHOLE, -1])
def test_a_stream_that_is_cut_off_does_not_open(length):
    with pytest.raises(DecryptionError):
        opened(STREAM[:length])


@pytest.mark.parametrize("place", [*range(HEADER + 2), HEADER + WHOLE - 1, HEADER + WHOLE, -1])
def test_every_part_is_authenticated(place):
    changed = bytearray(STREAM)
    changed[place] ^= 1
    with pytest.raises(DecryptionError):
        opened(bytes(changed))


def test_pieces_of_another_stream_do_not_fit():
    with pytest.raises(DecryptionError):
        opened(HEAD + OTHER[HEADER:])
    with pytest.raises(DecryptionError):
        opened(HEAD + PIECES[0] + OTHER[HEADER + WHOLE :])


def test_a_stream_opens_in_its_context_and_under_its_key_only():
    with pytest.raises(DecryptionError):
        opened(STREAM, Context("export", "staff"))
    foreign = StreamCipher(Keyring([DataKey.new().within(KeyState.ACTIVE)]))
    with pytest.raises(DecryptionError):
        opened(STREAM, cipher=foreign)


def test_nothing_after_a_damaged_piece_is_given_out():
    changed = bytearray(STREAM)
    changed[HEADER + WHOLE + 5] ^= 1
    got = []
    with pytest.raises(DecryptionError):
        got.extend(CIPHER.decrypt([bytes(changed)], EXPORT))
    assert b"".join(got) == DATA[:PIECE]
