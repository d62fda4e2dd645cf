"""bcrypt behind two short names."""

from __future__ import annotations

from zenith.passwords.hasher import PasswordHasher
from zenith.passwords.settings import PasswordSettings


class PasswordManager:
    """Hash and verify with bcrypt, never on the event loop.

    `hasher` replaces the bcrypt hasher that it makes for itself, for instance by one with a shared
    pool.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(PasswordSettings(algorithm="bcrypt"))

    async def hash_password(self, password: str) -> str:
        """A new hash; raises as `PasswordHasher.hash`."""
        return await self._hasher.hash(password)

    async def verify_password(self, password: str, hashed: str) -> bool:
        """Whether `hashed` was made from `password`; raises as `PasswordHasher.verify`."""
        return (await self._hasher.verify(password, hashed)).ok

    async def aclose(self) -> None:
        """End the hasher's threads."""
        await self._hasher.aclose()
