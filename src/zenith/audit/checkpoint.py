"""A checkpoint: how far a chain has come, signed, to be kept where the chain is not."""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from typing import Any, Final, cast

from zenith.audit.keys import AuditKeys, PublicKeys
from zenith.audit.record import new_event_id
from zenith.audit.seal import Head
from zenith.kernel.events import Event, EventType
from zenith.kernel.records import dataclass

DOMAIN: Final = b"zenith-audit-checkpoint\x01"
FORMAT: Final = 1
HASH_BYTES: Final = 32
_LENGTH: Final = struct.Struct(">I")
_FIXED: Final = struct.Struct(">q32sqd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """That the seal `number` of `stream` had this hash at that time."""

    stream: str
    number: int
    hash: bytes
    total: int
    """Events sealed so far."""
    at: float
    key_id: str
    """Of the public key that verifies it."""
    signature: bytes

    def message(self) -> bytes:
        """What is signed. Raises ValueError for what cannot be signed."""
        return _message(self.stream, Head(self.number, self.hash, self.total), self.at)

    def is_signed(self, keys: PublicKeys) -> bool | None:
        """Whether the signature is right; None if its key is not known."""
        try:
            return keys.verify(self.key_id, self.message(), self.signature)
        except ValueError:
            return False

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(self._document(), separators=(",", ":")) + "\n"

    def event(self) -> Event:
        """As the receivers of the log get it: what is signed, in the details of an event."""
        return Event(
            type=EventType.AUDIT_CHECKPOINT,
            outcome="success",
            at=self.at,
            target=f"audit:{self.stream}",
            event_id=new_event_id(),
            details=self._document(),
        )

    def _document(self) -> dict[str, object]:
        return {
            "zenith_audit_checkpoint": FORMAT,
            "stream": self.stream,
            "number": self.number,
            "hash": self.hash.hex(),
            "total": self.total,
            "at": self.at,
            "key": self.key_id,
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }


def sign_checkpoint(keys: AuditKeys, stream: str, head: Head, at: float) -> Checkpoint:
    """The checkpoint of the end of a chain."""
    return Checkpoint(
        stream=stream,
        number=head.number,
        hash=head.hash,
        total=head.total,
        at=at,
        key_id=keys.public.first,
        signature=keys.sign(_message(stream, head, at)),
    )


def read_checkpoint(line: str) -> Checkpoint:
    """From `Checkpoint.line`, or from a line that ends with what a receiver got of
    `Checkpoint.event`. Raises ValueError for anything else.
    """
    try:
        found: Any = json.loads(line[max(0, line.find("{")) :])
        if isinstance(found, dict):
            whole = cast("dict[str, Any]", found)
            found = whole.get("details", whole)
    except RecursionError:
        raise ValueError("no checkpoint: nested too deeply") from None
    document = cast("dict[str, Any]", found if isinstance(found, dict) else {})
    if document.get("zenith_audit_checkpoint") != FORMAT:
        raise ValueError("no checkpoint of a format known here")
    try:
        made = Checkpoint(
            stream=str(document["stream"]),
            number=_whole(document["number"]),
            hash=bytes.fromhex(document["hash"]),
            total=_whole(document["total"]),
            at=float(document["at"]),
            key_id=str(document["key"]),
            signature=base64.b64decode(document["signature"], validate=True),
        )
    except (KeyError, TypeError, OverflowError, binascii.Error) as error:
        raise ValueError(f"no checkpoint: {type(error).__name__}") from None
    if len(made.hash) != HASH_BYTES or not math.isfinite(made.at):
        raise ValueError("no checkpoint: a hash or time that cannot be")
    return made


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _message(stream: str, head: Head, at: float) -> bytes:
    name = stream.encode()
    try:
        fixed = _FIXED.pack(head.number, head.hash, head.total, at)
    except struct.error as error:
        raise ValueError(f"no checkpoint: {error}") from None
    return DOMAIN + _LENGTH.pack(len(name)) + name + fixed
