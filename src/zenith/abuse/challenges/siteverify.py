"""Challenges of others: Turnstile, hCaptcha and reCAPTCHA, which all speak `siteverify`."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from zenith.abuse.challenges.errors import ChallengeRequiredError
from zenith.abuse.challenges.provider import ChallengeOutcome, Widget
from zenith.abuse.challenges.settings import ChallengeSettings
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass
from zenith.outbound.certificates import usual_context
from zenith.outbound.errors import OutboundError
from zenith.outbound.resolver import SystemResolver
from zenith.outbound.settings import OutboundSettings

if TYPE_CHECKING:
    import httpx

MAX_TOKEN: Final = 8192
MAX_ANSWER: Final = 16 * 1024
MEMORY: Final = 600.0
"""Seconds for which a token is remembered; the providers' own hold for five minutes at most."""
OK: Final = 200
NOT_NOW: Final = frozenset({408, 425, 429})
OURS: Final = frozenset({"missing-input-secret", "invalid-input-secret", "internal-error"})
"""Errors that no token brings about. Those that one can, such as `bad-request`, and
`not-using-dummy-secret` for a token of the provider's tests, are the visitor's: where the provider
counts as down, `when_down` may let whoever sent it in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How one provider differs from the others."""

    verify_url: str
    token_field: str
    script: str
    sources: Mapping[str, Sequence[str]]
    names_action: bool = False
    """The answer says for which action the challenge was shown."""
    scores: bool = False
    """The answer holds a score; without one it is not believed."""
    is_risk: bool = False
    """Where there is a score, 1 is the worst."""
    script_query: Callable[[str], str] = field(default=lambda _: "")


_HCAPTCHA: Final = ("https://hcaptcha.com", "https://*.hcaptcha.com")
_GOOGLE: Final = ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/")
DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "turnstile": Dialect(
            verify_url="https://challenges.cloudflare.com/turnstile/v0/siteverify",
            token_field="cf-turnstile-response",
            script="https://challenges.cloudflare.com/turnstile/v0/api.js",
            sources={
                "script_src": ("https://challenges.cloudflare.com",),
                "frame_src": ("https://challenges.cloudflare.com",),
                "connect_src": ("https://challenges.cloudflare.com",),
            },
            names_action=True,
        ),
        "hcaptcha": Dialect(
            verify_url="https://api.hcaptcha.com/siteverify",
            token_field="h-captcha-response",
            script="https://js.hcaptcha.com/1/api.js",
            sources=dict.fromkeys(
                ("script_src", "frame_src", "style_src", "connect_src"), _HCAPTCHA
            ),
            is_risk=True,
        ),
        "recaptcha": Dialect(
            verify_url="https://www.google.com/recaptcha/api/siteverify",
            token_field="g-recaptcha-response",
            script="https://www.google.com/recaptcha/api.js",
            sources={
                "script_src": _GOOGLE,
                "frame_src": (_GOOGLE[0], "https://recaptcha.google.com/recaptcha/"),
                "connect_src": _GOOGLE[:1],
            },
            names_action=True,
            scores=True,
            script_query=lambda site_key: f"?render={site_key}",
        ),
    }
)


class SiteverifyProvider:
    """Asks the provider about each token.

    Threat: a token that was made for another site, another form or another visitor, that was used
    before, or that a program bought (ASVS 2.4.1): host, action and score are checked, the store
    lets each token pass once. The call is bounded in time and size, never redirected, and knows no
    proxy of the environment. Raises ConfigurationError where httpx is not installed.

    `outbound` bounds the call; the provider itself may be inside. `transport` replaces the network,
    for tests.
    """

    def __init__(
        self,
        settings: ChallengeSettings,
        *,
        hostnames: Sequence[str],
        clock: Clock = wall_clock,
        outbound: OutboundSettings | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._dialect: Final = DIALECTS[settings.provider]
        self._settings: Final = settings
        self._secret: Final = settings.secret or Secret("")
        self._url: Final = settings.verify_url or self._dialect.verify_url
        self._hostnames: Final = frozenset(name.lower() for name in hostnames)
        self._clock: Final = clock
        self._httpx: Final = _import_httpx()
        self._transport: Final = transport
        self._outbound: Final = (
            (outbound or OutboundSettings())
            .knowing(self._url)
            .within(settings.timeout, size=MAX_ANSWER)
        )
        # Made once: reading the certificates takes longer than a whole call.
        self._context: Final = usual_context()
        self._names: Final = SystemResolver()

    @property
    def token_field(self) -> str:
        """The provider's own."""
        return self._dialect.token_field

    @property
    def can_wait(self) -> bool:
        """No: the provider decides."""
        return False

    @property
    def sources(self) -> Mapping[str, Sequence[str]]:
        """What the provider's documentation names."""
        return self._dialect.sources

    async def verify(self, token: str, *, action: str, client: str) -> ChallengeOutcome:
        """Ask the provider."""
        if not 0 < len(token) <= MAX_TOKEN or not token.isascii():
            return ChallengeOutcome(passed=False, reason="no token")
        form = {"secret": self._secret.reveal(), "response": token, "remoteip": client}
        if self._settings.provider == "hcaptcha":
            form["sitekey"] = self._settings.site_key
        try:
            answer = await self._ask(form)
        except (
            self._httpx.HTTPError,
            OutboundError,
            OSError,
            ValueError,
            RecursionError,
        ) as error:
            return ChallengeOutcome(passed=False, reason=type(error).__name__, is_down=True)
        return self._judge(answer, token, action)

    def widget(self, *, action: str, client: str) -> Widget:
        """The provider's script, and what it is told."""
        del client
        return Widget(
            provider=self._settings.provider,
            token_field=self._dialect.token_field,
            action=action,
            site_key=self._settings.site_key,
            script=self._dialect.script + self._dialect.script_query(self._settings.site_key),
        )

    def demand(self, *, action: str, client: str, retry_after: float) -> SecurityError:
        """The refusal that names the provider."""
        del retry_after
        return ChallengeRequiredError(self.widget(action=action, client=client))

    def _way_out(self) -> httpx.AsyncBaseTransport:
        """One for each call: the client closes it. httpx is an extra."""
        from zenith.outbound.transport import OutboundTransport  # noqa: PLC0415

        return OutboundTransport(self._outbound, resolver=self._names, tls=self._context)

    async def _ask(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The JSON object that the provider answers; ValueError where it is none."""
        client = self._httpx.AsyncClient(
            timeout=self._settings.timeout,
            follow_redirects=False,
            trust_env=False,
            transport=self._transport or self._way_out(),
        )
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with (
            # The time-outs of the client begin anew with each byte that drips in.
            asyncio.timeout(self._settings.timeout),
            client,
            client.stream("POST", self._url, data=dict(form), headers=headers) as response,
        ):
            body = bytearray()
            async for part in response.aiter_raw(4096):
                body += part
                if len(body) > MAX_ANSWER:
                    raise ValueError("the provider answered too much")
        status = response.status_code
        if 400 <= status < 500 and status not in NOT_NOW:  # noqa: PLR2004  what was sent is wrong
            return {"success": False, "error-codes": [f"status {status}"]}
        if status != OK:
            raise ValueError("the provider answered another status")
        document: object = json.loads(bytes(body))
        if not isinstance(document, dict):
            raise ValueError("the provider answered no object")  # noqa: TRY004
        return cast("dict[str, Any]", document)

    def _judge(self, answer: Mapping[str, Any], token: str, action: str) -> ChallengeOutcome:
        if answer.get("success") is not True:
            codes: object = answer.get("error-codes")
            listed = cast("list[object]", codes) if isinstance(codes, list) else []
            texts = [str(code)[:60] for code in listed[:5]]
            is_ours = not OURS.isdisjoint(texts)
            reason = ", ".join(texts) or "no success"
            return ChallengeOutcome(passed=False, reason=reason, is_down=is_ours)
        if str(answer.get("hostname", "")).lower() not in self._hostnames:
            return ChallengeOutcome(passed=False, reason="shown on another host")
        if self._dialect.names_action and answer.get("action") != action:
            return ChallengeOutcome(passed=False, reason="shown for another action")
        score = _score_of(answer, is_risk=self._dialect.is_risk)
        if score is None and (self._dialect.scores or "score" in answer):
            return ChallengeOutcome(passed=False, reason="no score")
        if score is not None and score < self._settings.least_score:
            return ChallengeOutcome(passed=False, reason="score too low", score=score)
        return ChallengeOutcome(
            passed=True,
            key="token:" + hashlib.sha256(token.encode("ascii")).hexdigest(),
            expires_at=self._clock() + MEMORY,
            score=score,
        )


def _score_of(answer: Mapping[str, Any], *, is_risk: bool) -> float | None:
    score = answer.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        return None
    return 1.0 - score if is_risk else float(score)


def _import_httpx() -> Any:
    try:
        import httpx  # noqa: PLC0415  # of the extra `challenges`
    except ModuleNotFoundError:
        raise ConfigurationError(
            "this provider of challenges needs httpx", fix="install zenith-security[challenges]"
        ) from None
    return httpx
