"""Hash and verify passwords."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Final, Self

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.passwords.algorithm import HashAlgorithm, HashReader
from zenith.passwords.argon2id import Argon2id
from zenith.passwords.bcrypt_hash import Bcrypt
from zenith.passwords.encoding import encode
from zenith.passwords.errors import PasswordRefusedError, UnusableHashError
from zenith.passwords.pbkdf2 import Pbkdf2
from zenith.passwords.pepper import PepperRing
from zenith.passwords.pool import HashingPool
from zenith.passwords.scrypt import Scrypt
from zenith.passwords.settings import PasswordSettings

_DISABLED: Final = ("!", "*")
"""Begins what some programs store for an account that has no password."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of a check. It is true exactly if the password was right."""

    ok: bool
    """The password is the one that was hashed."""

    needs_rehash: bool = False
    """The password is right and its hash is of old: hash it anew and store that."""

    def __bool__(self) -> bool:
        return self.ok


_WRONG: Final = Verification(ok=False)


class PasswordHasher:
    """Hashes passwords with Argon2id or bcrypt; verifies these and what other programs made.

    Threats: theft of the table of hashes (slow, memory-hard hashes, ASVS 11.4.2; an optional
    pepper), floods of sign-ins (bounded pool), and telling by time whether an account exists
    (`verify` takes None for "no such account", ASVS 6.3.8).

    A wrong password for a hash of old costs the verification and, as the right one does, a new
    hash; with `migrating_from` in the settings so does everything else.

    Verified: argon2id/i/d, bcrypt ($2a$, $2b$, $2y$, also pre-hashed), scrypt and PBKDF2 as Django,
    passlib and Werkzeug write them. `pool` may be shared; without one the hasher has its own, and
    `aclose` ends it.
    """

    def __init__(
        self, settings: PasswordSettings | None = None, *, pool: HashingPool | None = None
    ) -> None:
        self.settings = settings or PasswordSettings()
        argon2id = Argon2id(self.settings.argon2_parameters)
        bcrypt = Bcrypt(
            rounds=self.settings.bcrypt_rounds,
            accept_truncated=self.settings.accept_truncated_bcrypt,
        )
        uses_bcrypt = self.settings.algorithm == "bcrypt"
        self._current: HashAlgorithm = bcrypt if uses_bcrypt else argon2id
        self._readers: tuple[HashReader, ...] = (argon2id, bcrypt, Scrypt(), Pbkdf2())
        self._peppers = PepperRing(self.settings.peppers, self.settings.pepper_id)
        self._former = self._former_hash(self.settings.migrating_from)
        self.pool = pool or HashingPool(
            workers=self.settings.workers,
            queue_size=self.settings.queue_size,
            niceness=self.settings.niceness,
            memory_per_job=0 if uses_bcrypt else self.settings.argon2_parameters.memory_cost * 1024,
        )

    async def hash(self, password: str) -> str:
        """A new hash of `password`, with a fresh salt.

        Raises PasswordRefusedError (422) for what is no password: empty, longer than
        `max_bytes`, not encodable; ServiceUnavailableError (503) when the pool is full.
        """
        return await self.pool.run(partial(self.hash_sync, password))

    async def verify(self, password: str, hashed: str | None) -> Verification:
        """Whether `password` is the one behind `hashed`.

        Pass None where there is no account: it takes as long and fails. Raises UnusableHashError
        for a damaged or unknown hash, ServiceUnavailableError (503) when the pool is full.
        """
        return await self.pool.run(partial(self.verify_sync, password, hashed))

    async def verify_and_update(
        self, password: str, hashed: str | None
    ) -> tuple[Verification, str | None]:
        """Verify, and where the hash is of old make the new one to store in its place."""
        return await self.pool.run(partial(self.verify_and_update_sync, password, hashed))

    async def dummy_verify(self, password: str) -> Verification:
        """Spend the time of a verification for an account that does not exist; never true."""
        return await self.verify(password, None)

    def needs_rehash(self, hashed: str) -> bool:
        """Whether `hashed` was made with another algorithm, cost or pepper than today's."""
        if _is_disabled(hashed):
            return False
        key_id, inner = self._peppers.split(hashed)
        self._reader_of(inner)
        return self._is_outdated(key_id, inner, secret=None)

    def hash_sync(self, password: str) -> str:
        """`hash` in the calling thread, for scripts: it blocks, and no pool bounds it."""
        spellings = encode(password, max_bytes=self.settings.max_bytes)
        if not spellings:
            raise PasswordRefusedError("The password is empty, too long or not valid text")
        secret = self._peppers.apply(self._peppers.current, spellings[0])
        return self._peppers.join(self._current.hash(secret))

    def verify_sync(self, password: str, hashed: str | None) -> Verification:
        """`verify` in the calling thread, for scripts: it blocks, and no pool bounds it."""
        spellings = encode(password, max_bytes=self.settings.max_bytes)
        if not spellings:
            return _WRONG
        if hashed is None or _is_disabled(hashed):
            self._spend(spellings, present=True, former=True)
            return _WRONG
        key_id, inner = self._peppers.split(hashed)
        reader = self._reader_of(inner)
        is_present = not self._is_outdated(key_id, inner, secret=None)
        for spelling in spellings:
            secret = self._peppers.apply(key_id, spelling)
            if reader.verify(secret, inner):
                is_raw = spelling != spellings[0]
                outdated = is_raw or self._is_outdated(key_id, inner, secret=secret)
                self._spend(spellings[:1], former=is_present)
                return Verification(ok=True, needs_rehash=outdated)
        # A right password would be hashed anew here, so a wrong one costs that as well.
        self._spend(spellings, present=not is_present, former=is_present)
        return _WRONG

    def verify_and_update_sync(
        self, password: str, hashed: str | None
    ) -> tuple[Verification, str | None]:
        """`verify_and_update` in the calling thread, for scripts."""
        verification = self.verify_sync(password, hashed)
        return verification, self.hash_sync(password) if verification.needs_rehash else None

    async def aclose(self) -> None:
        """End the pool's threads."""
        await self.pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _spend(
        self, spellings: Sequence[bytes], *, present: bool = False, former: bool = False
    ) -> None:
        """Take the time of today's hash, of a hash of the former program, or of both."""
        for spelling in spellings:
            if present:
                self._current.hash(self._peppers.apply(self._peppers.current, spelling))
            if former and self._former is not None:
                reader, hashed = self._former
                reader.verify(spelling, hashed)

    def _former_hash(self, hashed: str | None) -> tuple[HashReader, str] | None:
        if hashed is None:
            return None
        try:
            reader = self._reader_of(hashed)
            reader.verify(b"any", hashed)
        except UnusableHashError as error:
            raise ConfigurationError(
                f"passwords.migrating_from: {error}",
                fix="set it to a whole hash that your former program made",
            ) from None
        return reader, hashed

    def _reader_of(self, inner: str) -> HashReader:
        for reader in self._readers:
            if reader.owns(inner):
                return reader
        raise UnusableHashError("the stored hash is of an unknown kind")

    def _is_outdated(self, key_id: str | None, inner: str, *, secret: bytes | None) -> bool:
        return (
            key_id != self._peppers.current
            or not self._current.owns(inner)
            or self._current.is_outdated(inner, secret=secret)
        )


def _is_disabled(hashed: str) -> bool:
    return not hashed or hashed.startswith(_DISABLED)
