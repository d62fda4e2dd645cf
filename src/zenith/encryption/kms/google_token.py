"""Tokens for Google Cloud, found as Google's own tools find them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from zenith.encryption.kms.service import failed
from zenith.kernel.errors import ConfigurationError

try:
    import google.auth
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.auth.transport import Request
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "Google Cloud KMS needs google-auth", fix="install zenith-security[kms-google]"
    ) from error

SCOPE: Final = "https://www.googleapis.com/auth/cloudkms"
NAME: Final = "Google Cloud KMS"


class Answer:
    """What google-auth reads of an answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status: Final = answer.status_code
        self.headers: Final = answer.headers
        self.data: Final = answer.content


class HttpRequest(Request):
    """Asks for tokens by httpx, so that no second client has to be installed."""

    def __init__(self, seconds: float) -> None:
        self._seconds: Final = seconds

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Any:
        """Answer whatever the status is; TransportError where there is no answer."""
        try:
            with httpx.Client(trust_env=False, timeout=timeout or self._seconds) as http:
                return Answer(http.request(method, url, content=body, headers=headers))
        except httpx.HTTPError as error:
            unreached: Any = TransportError  # its own package annotates it in part
            raise unreached(type(error).__name__) from None


def google_token(*, seconds: float) -> Callable[[], str]:
    """What gives a token of the credentials at hand (a file named by a variable, a role of the
    machine or container, or of another cloud) and asks for a new one before it ends; raises
    ConfigurationError, then, where there are none. It blocks.
    """
    request = HttpRequest(seconds)
    held: list[Any] = []

    def token() -> str:
        try:
            if not held:
                held.append(google.auth.default(scopes=[SCOPE], request=request)[0])
            if not held[0].valid:
                held[0].refresh(request)
        except GoogleAuthError:
            raise failed(NAME, "is asked by nobody: no token is given out") from None
        return str(held[0].token)

    return token
