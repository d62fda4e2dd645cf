"""What tokens need from stores: families of refresh tokens, signing keys, proofs that were seen.

Refresh tokens come in families, each with one current token.

A refresh token has two parts, and the store sees only SHA-256 digests of them (hex, 64 characters):

- the *handle*: 128 random bits, the same in every token of a family and found nowhere else. It is
  the key under which the family is looked up;
- the *token*: the whole string, different in every generation.

So a family is one row, however often it is rotated, and an old token is still recognised: whoever
shows a right handle with a token that is neither the current one nor its predecessor holds a copy
of a spent token. A stranger cannot provoke that, for he cannot guess a handle.

Columns that an implementation keeps: `id` (primary key), `account_id` (indexed), `handle` (unique),
`current`, `previous` (null before the first rotation), `rotated_at` (null before it), `created_at`,
`expires_at` (indexed), `revoked_at` (null while alive). Times are Unix seconds as floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from zenith.kernel.records import dataclass

RotationOutcome: TypeAlias = Literal[
    "rotated", "replayed", "reused", "revoked", "expired", "unknown"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshFamily:
    """All refresh tokens that descend from one sign-in."""

    id: str
    """The id of the session that the family belongs to: ending the one ends the other."""
    account_id: str
    handle: str
    """Digest of the handle."""
    current: str
    """Digest of the token that may be rotated next."""
    created_at: float
    expires_at: float
    """Absolute end in Unix seconds; rotation never moves it (ASVS 10.4.8)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """What `RefreshStore.rotate` found and did.

    `family_id`, `account_id`, `current` and `expires_at` are set in every outcome but `unknown`,
    where they are empty and zero. `current` is the digest that is current after the step.
    """

    outcome: RotationOutcome
    family_id: str = ""
    account_id: str = ""
    current: str = ""
    expires_at: float = 0.0


@runtime_checkable
class RefreshStore(Protocol):
    """Families of refresh tokens. They must survive a restart: SQL in production.

    Each verb is one atomic step, also between processes: of any number of concurrent `rotate`
    calls with the same token exactly one answers `rotated`.
    """

    async def start(self, family: RefreshFamily) -> None:
        """Store a new family. `id` and `handle` are unique.

        Raises ConflictError if a family with this id or handle exists.
        """
        ...

    async def rotate(
        self, *, handle: str, presented: str, successor: str, now: float, grace: float
    ) -> Rotation:
        """Replace `presented` by `successor` as the family's current token, in one atomic step.

        The family is looked up by `handle`. The first line that applies decides:

        1. no such family: `unknown`, nothing changes;
        2. `revoked_at` is set: `revoked`, nothing changes;
        3. `expires_at <= now`: `expired`, nothing changes;
        4. `presented == current`: `rotated`; in the same step `previous = presented`,
           `current = successor`, `rotated_at = now`;
        5. `presented == previous` and `now - rotated_at <= grace`: `replayed`, nothing changes;
           a `rotated_at` after `now` (another machine's clock) counts as within the grace;
        6. otherwise `reused`; in the same step `revoked_at = now`.

        `now` is Unix seconds, `grace` seconds. On PostgreSQL one way is a conditional UPDATE
        ... WHERE handle AND current AND revoked_at IS NULL AND expires_at > now RETURNING, and
        only if it hit no row a SELECT ... FOR UPDATE that decides among the other outcomes anew
        (case 4 included, should the row have changed in between).
        """
        ...

    async def find(self, *, handle: str, now: float) -> RefreshFamily | None:
        """The family with this handle, if it is neither revoked nor expired."""
        ...

    async def revoke_family(self, family_id: str, *, now: float) -> bool:
        """Set `revoked_at = now`. True if the family was alive (neither revoked nor expired)."""
        ...

    async def revoke_account(self, account_id: str, *, now: float, keep: str | None = None) -> int:
        """Revoke every living family of the account but `keep` (a family id); how many it were."""
        ...

    async def prune(self, now: float) -> int:
        """Delete the families with `expires_at <= now`; how many it were.

        Revoked families stay until they expire, so that a copy that comes back is still known.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredKey:
    """A signing key at rest. Times are Unix seconds."""

    generation: int
    """1, 2, 3: the next key has the next number, so that two processes that plan it at once plan
    the same one, and one of them is told."""
    kid: str
    algorithm: str
    sealed: str
    """The private key, encrypted and bound to generation, id and algorithm."""
    created_at: float
    signs_at: float
    """From here until the next key's `signs_at` it signs; it is published before."""
    retired_at: float | None = None
    """Set where it was taken out of use by hand."""


class KeyStore(Protocol):
    """Signing keys that every process shares and that survive a restart."""

    async def load(self) -> Sequence[StoredKey]:
        """All keys, the oldest first."""
        ...

    async def add(self, key: StoredKey) -> bool:
        """Store a key, in one atomic step, unless its generation or its id is there already; False
        then. Of any number of concurrent calls with the same generation one answers True.
        """
        ...

    async def retire(self, kid: str, *, at: float) -> bool:
        """Set `retired_at` where it is not set or later; whether it was."""
        ...

    async def prune(self, *, before: int) -> int:
        """Delete the keys of generations below `before`; how many there were."""
        ...


class ProofStore(Protocol):
    """Proofs of possession that were seen (RFC 9449 section 11.1); bounded by their short life."""

    async def claim(self, digest: str, *, now: float, expires_at: float) -> bool:
        """Remember a proof by its SHA-256 until `expires_at`, in one atomic step. False if it was
        remembered before: of any number of concurrent calls one answers True. Raises
        ServiceUnavailableError where it cannot be known.
        """
        ...

    async def prune(self, *, now: float) -> int:
        """Forget the proofs that have expired; how many there were."""
        ...
