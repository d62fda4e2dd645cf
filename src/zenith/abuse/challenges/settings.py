"""Settings of challenges: who asks whether a person is there, and when."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass

ProviderName: TypeAlias = Literal["proof_of_work", "turnstile", "hcaptcha", "recaptcha"]
When: TypeAlias = Literal["never", "after_failures", "always"]
WhenDown: TypeAlias = Literal["refuse", "admit"]
ACTIONS: Final = ("sign_in", "register", "reset_password")
"""The routes of Zenith that can ask."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HOUR: Final = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeSettings:
    """Who asks whether a person is there, and when. Checked at construction.

    The providers beside the proof of work see each visitor of the pages that show them.
    """

    provider: ProviderName = "proof_of_work"
    """`proof_of_work` is served and checked by the application itself; Turnstile, hCaptcha and
    reCAPTCHA (version 3 and Enterprise) by their makers."""

    site_key: str = ""
    """What the provider calls the site; it is public."""

    secret: Secret | None = None
    """What the application proves itself with at the provider."""

    verify_url: str | None = None
    """Where tokens are verified, for another service that speaks `siteverify`. None: the
    provider's own address."""

    hostnames: tuple[str, ...] = ()
    """Hosts whose pages may have shown the challenge. Empty: that of `origin`."""

    least_score: float = 0.5
    """Where the provider gives a score: how sure it must be that a person is there, 0 to 1."""

    timeout: float = 3.0
    """Seconds for the provider's answer."""

    when_down: WhenDown = "refuse"
    """What happens while the provider does not answer. `admit` loses the protection whenever
    somebody keeps the provider from answering."""

    sign_in: When = "never"
    """When sign-in asks, beside the proof of work that follows failures at one account."""

    register: When = "never"
    """When registration asks; each registration counts as a failure."""

    reset_password: When = "never"
    """When asking for a new password asks; each time counts as a failure."""

    after: int = 5
    """Failures of one address after which `after_failures` asks."""

    memory: float = HOUR
    """Seconds after the last failure until they are forgotten."""

    patience: float = 60.0
    """Seconds after which an attempt without JavaScript is let through in place of a proof of work,
    one at a time for each address."""

    def __post_init__(self) -> None:
        choices = {"provider": ProviderName, "when_down": WhenDown}
        for name, kind in {**choices, **dict.fromkeys(ACTIONS, When)}.items():
            if getattr(self, name) not in get_args(kind):
                raise ConfigurationError(
                    f"abuse.challenges.{name} is {getattr(self, name)!r}",
                    fix="choose " + ", ".join(get_args(kind)),
                )
        if self.provider != "proof_of_work" and (not self.site_key or self.secret is None):
            raise ConfigurationError(
                f"abuse.challenges: {self.provider} needs a site key and a secret",
                fix="set ZENITH_ABUSE__CHALLENGES__SITE_KEY and ZENITH_ABUSE__CHALLENGES__SECRET",
            )
        if self.verify_url is not None and not _is_safe(self.verify_url):
            raise ConfigurationError(
                "abuse.challenges.verify_url is no https address",
                fix="write https://; the secret and tokens of visitors travel there",
            )
        self._check("least_score", 0.0, 1.0)
        self._check("timeout", 0.1, 30.0)
        self._check("after", 1, 1000)
        self._check("memory", 60.0, 24 * HOUR)
        self._check("patience", 1.0, HOUR)

    def when(self, action: str) -> When:
        """When an action of Zenith's own asks."""
        found: When = getattr(self, action)
        return found

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of what is loosened, for the start-up report."""
        return ("when_down",) if self.when_down == "admit" else ()

    def _check(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        if not least <= value <= most:
            raise ConfigurationError(
                f"abuse.challenges.{name} is {value:g}",
                fix=f"set it between {least:g} and {most:g}",
            )


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme == "http":
        return host in LOOPBACK
    return parts.scheme == "https" and bool(host)
