"""Settings of temporary bans."""

from __future__ import annotations

from typing import Final, NamedTuple

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import parse_networks
from zenith.kernel.records import dataclass

MINUTE: Final = 60.0
DAY: Final = 24 * 60 * MINUTE
PRIVATE: Final = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"),
)
TRAPS: Final = (
    *("/.env", "/.git/", "/.svn/", "/.aws/", "/.ssh/", "/.htpasswd", "/.DS_Store"),
    *("/wp-login.php", "/wp-admin/", "/wp-includes/", "/wp-content/", "/xmlrpc.php"),
    *("/phpmyadmin/", "/phpMyAdmin/", "/pma/", "/phpinfo.php", "/config.php", "/shell.php"),
    *("/vendor/phpunit/", "/cgi-bin/", "/boaform/", "/HNAP1", "/actuator/", "/solr/"),
    *("/owa/", "/manager/html", "/server-status", "/web.config"),
    *("/backup.sql", "/dump.sql", "/database.sql", "/docker-compose.yml", "/telescope/"),
)
MAX_COUNT: Final = 1_000_000
MAX_ENTRIES: Final = 10_000_000
RULES: Final = ("trap", "malformed", "credential", "rate_limited", "forbidden", "not_found")


class Threshold(NamedTuple):
    """So many refusals in so many seconds."""

    refusals: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BanSettings:
    """Who is banned by itself, for how long, and who never is. Checked at construction.

    A rule says how many refused requests of one address in how many seconds lead to a ban:
    `"50/600"` is fifty in ten minutes; None turns the rule off.
    """

    on_trap: str | None = "3/600"
    """Requests for what only scanners look for: `trap_paths` that no route serves."""

    on_malformed: str | None = "50/600"
    """Requests that cannot be understood in one way only, or are too large."""

    on_credential: str | None = "300/600"
    """Requests with a token or key that does not hold."""

    on_rate_limited: str | None = "600/600"
    """Requests over a limit, sent all the same."""

    on_forbidden: str | None = None
    """Requests that the principal may not make, or that another site sent."""

    on_not_found: str | None = None
    """Requests for what there is not."""

    trap_paths: tuple[str, ...] = TRAPS
    """Paths that only scanners ask for; one that ends with `/` stands for all below it. A path that
    the application serves is none, whatever is listed."""

    first_ban: float = 10 * MINUTE
    """Seconds of the first automatic ban; each further one doubles them."""

    longest_ban: float = DAY
    """Seconds after which automatic bans stop growing: behind an address may be a whole school."""

    offence_memory: float = 7 * DAY
    """Seconds after the end of a ban until the next automatic one is a first one again."""

    max_automatic: int = 100_000
    """Bans beyond which none is made automatically."""

    spared_networks: tuple[str, ...] = PRIVATE
    """Networks that are never banned automatically: behind a private address may stand a proxy that
    `transport.trusted_proxies` does not name, and behind it everybody."""

    never_banned: tuple[str, ...] = ()
    """Networks that no ban refuses, whoever makes it and however wide it is, such as that of the
    operators. Trusted proxies are among them."""

    def __post_init__(self) -> None:
        for name in RULES:
            self.threshold(name)
        parse_networks(self.never_banned, setting="abuse.bans.never_banned")
        parse_networks(self.spared_networks, setting="abuse.bans.spared_networks")
        for path in self.trap_paths:
            if not path.startswith("/") or path == "/":
                raise ConfigurationError(
                    f"abuse.bans.trap_paths holds `{path}`", fix="write paths, such as /.env"
                )
        self._check("first_ban", MINUTE, 30 * DAY)
        self._check("longest_ban", self.first_ban, 30 * DAY)
        self._check("offence_memory", MINUTE, 365 * DAY)
        self._check("max_automatic", 0, MAX_ENTRIES)

    @property
    def durations(self) -> tuple[float, ...]:
        """Seconds of the first automatic ban, the second, and so on; the last one stays."""
        lengths = [self.first_ban]
        while lengths[-1] < self.longest_ban:
            lengths.append(min(lengths[-1] * 2, self.longest_ban))
        return tuple(lengths)

    def threshold(self, rule: str) -> Threshold | None:
        """What a rule says; None if it is off. Raises ConfigurationError for another form."""
        text: str | None = getattr(self, f"on_{rule}")
        if text is None:
            return None
        count, _, seconds = text.partition("/")
        if count.isdecimal() and seconds.isdecimal():
            found = Threshold(int(count), float(seconds))
            if 1 <= found.refusals <= MAX_COUNT and 1.0 <= found.seconds <= DAY:
                return found
        raise ConfigurationError(
            f"abuse.bans.on_{rule} is `{text}`",
            fix='write refusals and seconds, such as "50/600", or None',
        )

    def _check(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        if not least <= value <= most:
            raise ConfigurationError(
                f"abuse.bans.{name} is {value:g}", fix=f"set it between {least:g} and {most:g}"
            )
