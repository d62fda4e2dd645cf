"""HashiCorp Vault and OpenBao: the transit engine, with associated data."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zenith.encryption.kms.calls import Calls
from zenith.encryption.kms.service import (
    SECONDS,
    bound,
    checked_url,
    data_of,
    failed,
    member,
    text_of,
)
from zenith.encryption.providers import FileKeyProvider
from zenith.kernel.errors import ConfigurationError

MARK: Final = "vault:v"


class VaultKeyService:
    """`VaultKeyService("https://vault.example.org:8200/transit/app", token_file=..., context=...)`:
    the address of the server, the path of the engine, the name of the key. A namespace stands
    before the engine's path.

    Threat: a token that lives as long as the application. It is read anew for each question from
    `token_file`, which an agent keeps fresh and which only its owner can read. The key must be of a
    kind that authenticates (`aes256-gcm96`, `chacha20-poly1305`): the server refuses associated
    data for others.
    """

    def __init__(
        self,
        key: str,
        *,
        context: str,
        token_file: Path,
        calls: Calls | None = None,
        seconds: float = SECONDS,
    ) -> None:
        setting = "the key of Vault's transit engine"
        scheme, _, rest = checked_url(key, setting=setting).partition("://")
        host, *path = rest.split("/")
        if len(path) < 2 or not all(path) or not _plain(rest):  # noqa: PLR2004
            raise ConfigurationError(
                f"{setting} is not named", fix="write https://HOST:8200/transit/NAME"
            )
        self.name: Final = f"Vault at {host}"
        self._engine: Final = f"{scheme}://{host}/v1/{'/'.join(path[:-1])}"
        self._key: Final = path[-1]
        self._context: Final = text_of(bound(context))
        self._token: Final = FileKeyProvider(token_file)
        self._calls: Final = calls or Calls(self.name, seconds=seconds)

    async def encrypt(self, plain: bytes) -> bytes:
        """Ask `encrypt`."""
        sealed = await self._asked("encrypt", "plaintext", text_of(plain), "ciphertext")
        if not sealed.startswith(MARK) or not sealed.isascii():
            raise failed(self.name, "answers what is none of its ciphertexts")
        return sealed.encode("ascii")

    async def decrypt(self, sealed: bytes) -> bytes:
        """Ask `decrypt`."""
        text = sealed.decode("ascii", "replace")
        return data_of(await self._asked("decrypt", "ciphertext", text, "plaintext"), self.name)

    async def _asked(self, action: str, given: str, value: str, wanted: str) -> str:
        token = (await self._token.read()).strip()
        if not token.isprintable() or not token:
            raise failed(self.name, "cannot be asked with what is in the token's file")
        answer = await self._calls.post(
            f"{self._engine}/{action}/{self._key}",
            {given: value, "associated_data": self._context},
            {"x-vault-token": token, "x-vault-request": "true"},
            opens=action == "decrypt",
        )
        return member(answer.get("data"), wanted, self.name)


def _plain(text: str) -> bool:
    return all(each.isalnum() or each in "-_./:[]" for each in text) and ".." not in text
