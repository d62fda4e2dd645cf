"""Settings of the CSRF protection."""

from __future__ import annotations

import re
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

MIB: Final = 1_048_576
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfSettings:
    """What counts as the application's own page, and where its proof is looked for.

    Raises ConfigurationError for anything that is no origin or no name.
    """

    origins: tuple[str, ...] = ()
    """Origins of the application, such as `https://app.example.com`. Empty: scheme and host of
    each request, as the transport guard accepted them. Name them where TLS ends at a proxy whose
    word is not taken."""
    trusted_origins: tuple[str, ...] = ()
    """Other origins whose pages may send changes. They still need a token."""
    cookie_schemes: tuple[str, ...] = ("session",)
    """Schemes whose credential a browser adds by itself. Every other scheme is explicit."""
    always: bool = False
    """Ask for a token on every change without an explicit credential, from programs too."""
    header_name: str = "X-CSRF-Token"
    """Header in which scripts send the token."""
    field_name: str = "csrf_token"
    """Form field in which pages send it, looked for where the header is missing."""
    cookie_name: str = "zenith-csrf"
    """Cookie that binds tokens before sign-in; `__Host-` goes in front of it."""
    secure_cookies: bool = True
    """False, for development over http, loses `__Host-` and `Secure`: sub-domains and people on
    the network can then plant the cookie."""
    max_form_size: int = MIB
    """Bytes of a form that are read in search of the token. In larger uploads the field must come
    before the files, or the token in the header."""

    def __post_init__(self) -> None:
        for name in ("origins", "trusted_origins"):
            for origin in getattr(self, name):
                if not _ORIGIN.fullmatch(origin):
                    raise ConfigurationError(
                        f"csrf: `{origin}` in {name} is no origin",
                        fix="write scheme, host in lower case and port, as browsers do:"
                        " https://app.example.com",
                    )
        for name in ("header_name", "field_name", "cookie_name"):
            if not _TOKEN.fullmatch(getattr(self, name)):
                raise ConfigurationError(
                    f"csrf: {name} is {getattr(self, name)!r}",
                    fix="use 1 to 64 letters, digits, `-` or `_`",
                )
        if not 0 < self.max_form_size <= 64 * MIB:
            raise ConfigurationError(
                f"csrf: max_form_size is {self.max_form_size}",
                fix="give bytes, from 1 to 67108864",
            )

    @property
    def cookie(self) -> str:
        """The cookie's whole name."""
        return f"__Host-{self.cookie_name}" if self.secure_cookies else self.cookie_name
