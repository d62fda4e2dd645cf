"""AWS KMS: `Encrypt` and `Decrypt` of a symmetric key, with an encryption context."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any, Final

from zenith.encryption.errors import DecryptionError
from zenith.encryption.kms.service import ATTEMPTS, PURPOSE, SECONDS, checked_url, failed
from zenith.kernel.errors import ConfigurationError

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "AWS KMS needs botocore", fix="install zenith-security[kms-aws]"
    ) from error

ARN: Final = re.compile(
    r"arn:aws[a-z-]{0,12}:kms:([a-z0-9-]{4,30}):[0-9]{12}:key/[A-Za-z0-9-]{1,64}"
)
ALGORITHM: Final = "SYMMETRIC_DEFAULT"
NOT_OURS: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class AwsKeyService:
    """`AwsKeyService("arn:aws:kms:eu-central-1:111122223333:key/...", context="shop")`.

    Threat: a ciphertext of another key that the caller may use as well, taken for one of this key:
    the key is named in each question, and its ARN compared in each answer. An alias is refused: who
    may move it chooses the key. `context` stands in AWS CloudTrail, and a policy can ask for it
    (`kms:EncryptionContext:deployment`).

    Credentials are found as AWS's own tools find them: variables, a profile, a role of the machine,
    container or web identity. `endpoint` is another address of the service, such as one of a
    private network. `seconds` are for connecting, and again for the answer, of each attempt.
    """

    def __init__(
        self,
        key: str,
        *,
        context: str,
        endpoint: str = "",
        seconds: float = SECONDS,
        attempts: int = ATTEMPTS,
    ) -> None:
        found = ARN.fullmatch(key)
        if found is None:
            raise ConfigurationError(
                "the key of AWS KMS is not named by its ARN",
                fix="write arn:aws:kms:REGION:ACCOUNT:key/ID; an alias can be moved",
            )
        self.name: Final = f"AWS KMS in {found[1]}"
        self._key: Final = key
        self._context: Final = {"purpose": PURPOSE, "deployment": context}
        self._region: Final = found[1]
        self._endpoint: Final = (
            checked_url(endpoint, setting="the endpoint of AWS KMS") if endpoint else None
        )
        self._config: Final = Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
        )
        self._making: Final = threading.Lock()
        self._made: Any = None

    async def encrypt(self, plain: bytes) -> bytes:
        """Ask for `Encrypt`, in a thread."""
        return await self._asked("encrypt", "CiphertextBlob", Plaintext=plain)

    async def decrypt(self, sealed: bytes) -> bytes:
        """Ask for `Decrypt`, in a thread."""
        return await self._asked("decrypt", "Plaintext", CiphertextBlob=sealed)

    async def _asked(self, action: str, member: str, **given: bytes) -> bytes:
        try:
            answer = await asyncio.to_thread(self._ask, action, given)
        except ClientError as error:
            refusal: Any = error.response
            code = refusal.get("Error", {}).get("Code", "")
            if code in NOT_OURS and action == "decrypt":
                raise DecryptionError from None
            raise failed(self.name, f"refuses with {_word(code)}") from None
        except (BotoCoreError, OSError, ValueError):
            raise failed(self.name, "does not answer, or nobody is signed in") from None
        if answer.get("KeyId") != self._key:
            raise failed(self.name, "answers for another key")
        found = answer.get(member)
        if not isinstance(found, bytes):
            raise failed(self.name, "answers without what was asked for")
        return found

    def _ask(self, action: str, given: dict[str, bytes]) -> dict[str, Any]:
        with self._making:
            if self._made is None:
                self._made = Session().create_client(
                    "kms",
                    region_name=self._region,
                    endpoint_url=self._endpoint,
                    config=self._config,
                )
        ask: Callable[..., dict[str, Any]] = getattr(self._made, action)
        return ask(
            KeyId=self._key,
            EncryptionAlgorithm=ALGORITHM,
            EncryptionContext=self._context,
            **given,
        )


def _word(code: object) -> str:
    """A code of the service's, if it looks like one."""
    is_word = isinstance(code, str) and code.isascii() and code.isalnum() and len(code) < 64  # noqa: PLR2004
    return str(code) if is_word else "an error"
