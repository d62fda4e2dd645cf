"""Two public graders, by their published rules: Mozilla's HTTP Observatory (what each result of a
test adds to or takes from 100 points) and Google's CSP Evaluator (findings with a severity).

Rules about what headers cannot say (the certificate, the redirect from http) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# --- HTTP Observatory -------------------------------------------------------------------------

GRADES = ((100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+"))
BONUS_FROM = 90
"""Bonuses count only for whoever has so many points without them."""
MODIFIERS = {
    "cookies-secure-with-httponly-sessions-and-samesite": 5,
    "cookies-not-found": 0,
    "cookies-without-secure-flag-but-protected-by-hsts": -5,
    "cookies-session-without-secure-flag-but-protected-by-hsts": -10,
    "cookies-without-secure-flag": -20,
    "cookies-samesite-flag-invalid": -20,
    "cookies-anticsrf-without-samesite-flag": -20,
    "cookies-session-without-httponly-flag": -30,
    "cookies-secure-with-httponly-sessions": 0,
    "cross-origin-resource-sharing-not-implemented": 0,
    "cross-origin-resource-sharing-implemented-with-universal-access": -50,
    "csp-implemented-with-no-unsafe-default-src-none": 10,
    "csp-implemented-with-no-unsafe": 5,
    "csp-implemented-with-unsafe-inline-in-style-src-only": 0,
    "csp-implemented-with-unsafe-eval": -10,
    "csp-implemented-with-insecure-scheme": -20,
    "csp-implemented-with-unsafe-inline": -20,
    "csp-not-implemented": -25,
    "hsts-implemented-max-age-at-least-six-months": 0,
    "hsts-implemented-max-age-less-than-six-months": -10,
    "hsts-not-implemented": -20,
    "hsts-header-invalid": -20,
    "referrer-policy-private": 5,
    "referrer-policy-not-implemented": 0,
    "referrer-policy-unsafe": -5,
    "referrer-policy-header-invalid": -5,
    "sri-not-implemented-but-all-scripts-loaded-from-secure-origin": 0,
    "sri-not-implemented-but-no-scripts-loaded": 0,
    "sri-not-implemented-response-not-html": 0,
    "sri-not-implemented-and-external-scripts": -5,
    "x-content-type-options-nosniff": 0,
    "x-content-type-options-not-implemented": -5,
    "x-frame-options-implemented-via-csp": 5,
    "x-frame-options-sameorigin-or-deny": 0,
    "x-frame-options-not-implemented": -20,
    "corp-implemented-with-same-origin": 0,
    "corp-implemented-with-same-site": 0,
    "corp-not-implemented": 5,
    "corp-implemented-with-cross-origin": -20,
}
SIX_MONTHS = 15_768_000
PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
UNSAFE_REFERRERS = {
    "origin",
    "origin-when-cross-origin",
    "unsafe-url",
    "no-referrer-when-downgrade",
}
BROAD = {"*", "http:", "https:", "data:", "http://*", "https://*", "http://*.*", "https://*.*"}
SESSION = re.compile(r"aspsessionid|asp\.net_sessionid|cfid|cftoken|jsessionid|phpsessid|sess|sid")
TOKEN = re.compile(r"csrf|xsrf")
SCRIPT = re.compile(r"<script[^>]*\ssrc=[\"']?([^\"'> ]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What a grader sees of an answer over https."""

    headers: Mapping[str, str]
    cookies: Sequence[str]
    text: str

    @property
    def policy(self) -> Mapping[str, list[str]]:
        return parse(self.headers.get("content-security-policy", ""))


def grade(answer: Answer) -> tuple[str, int, list[str]]:
    """The letter, the points and the result of each test."""
    results = [
        _cookies(answer),
        _cors(answer),
        _csp(answer.policy),
        _hsts(answer.headers.get("strict-transport-security")),
        _referrer(answer.headers.get("referrer-policy")),
        _integrity(answer),
        _sniffing(answer.headers.get("x-content-type-options")),
        _framing(answer),
        _sharing(answer.headers.get("cross-origin-resource-policy")),
    ]
    points = 100 + sum(min(0, MODIFIERS[result]) for result in results)
    if points >= BONUS_FROM:
        points += sum(max(0, MODIFIERS[result]) for result in results)
    letter = next((letter for least, letter in GRADES if points >= least), "F")
    return letter, points, results


def parse(policy: str) -> Mapping[str, list[str]]:
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *values = part.split() or [""]
        if name:
            directives.setdefault(name.lower(), values)
    return directives


def _cookies(answer: Answer) -> str:
    if not answer.cookies:
        return "cookies-not-found"
    hsts = "strict-transport-security" in answer.headers
    lax, worst = True, "cookies-secure-with-httponly-sessions-and-samesite"
    for cookie in answer.cookies:
        name, *parts = (part.strip().lower() for part in cookie.split(";"))
        name = name.partition("=")[0]
        flags: dict[str, str] = {}
        for part in parts:
            flag, _, value = part.partition("=")
            flags[flag] = value
        session, token = bool(SESSION.search(name)), bool(TOKEN.search(name))
        found = ""
        if "samesite" in flags and flags["samesite"] not in ("lax", "strict", "none"):
            found = "cookies-samesite-flag-invalid"
        elif token and "samesite" not in flags:
            found = "cookies-anticsrf-without-samesite-flag"
        elif session and "httponly" not in flags:
            found = "cookies-session-without-httponly-flag"
        elif "secure" not in flags:
            kind = (
                "cookies-session-without-secure-flag" if session else "cookies-without-secure-flag"
            )
            found = f"{kind}-but-protected-by-hsts" if hsts else "cookies-without-secure-flag"
        lax = lax and flags.get("samesite") in ("lax", "strict")
        worst = min(worst, found or worst, key=MODIFIERS.__getitem__)
    return worst if lax or MODIFIERS[worst] < 0 else "cookies-secure-with-httponly-sessions"


def _cors(answer: Answer) -> str:
    is_open = answer.headers.get("access-control-allow-origin") == "*"
    state = "implemented-with-universal-access" if is_open else "not-implemented"
    return f"cross-origin-resource-sharing-{state}"


def _csp(policy: Mapping[str, list[str]]) -> str:
    if not policy:
        return "csp-not-implemented"
    default = policy.get("default-src", ["*"])
    script = _in_force(policy.get("script-src", default))
    style = _in_force(policy.get("style-src", default))
    if _unsafe(script) or BROAD & set(policy.get("object-src", default)):
        return "csp-implemented-with-unsafe-inline"
    if any(value.startswith("http:") for values in policy.values() for value in values):
        return "csp-implemented-with-insecure-scheme"
    if "'unsafe-eval'" in {*script, *style}:
        return "csp-implemented-with-unsafe-eval"
    if _unsafe(style):
        return "csp-implemented-with-unsafe-inline-in-style-src-only"
    strict = "-default-src-none" if policy.get("default-src") == ["'none'"] else ""
    return f"csp-implemented-with-no-unsafe{strict}"


def _in_force(values: Iterable[str]) -> list[str]:
    """Without what browsers ignore beside nonces, hashes and 'strict-dynamic'."""
    values = list(values)
    if any(value.startswith(("'nonce-", "'sha")) for value in values):
        values = [value for value in values if value != "'unsafe-inline'"]
        if "'strict-dynamic'" in values:
            values = [value for value in values if value.startswith("'")]
    return values


def _unsafe(values: Iterable[str]) -> bool:
    return bool({"'unsafe-inline'", *BROAD} & set(values))


def _hsts(value: str | None) -> str:
    if value is None:
        return "hsts-not-implemented"
    match = re.match(r"max-age=(\d+)(?:;|$)", value)
    if match is None:
        return "hsts-header-invalid"
    enough = "at-least" if int(match[1]) >= SIX_MONTHS else "less-than"
    return f"hsts-implemented-max-age-{enough}-six-months"


def _referrer(value: str | None) -> str:
    if value is None:
        return "referrer-policy-not-implemented"
    last = value.lower().split(",")[-1].strip()
    if last in PRIVATE:
        return "referrer-policy-private"
    return f"referrer-policy-{'unsafe' if last in UNSAFE_REFERRERS else 'header-invalid'}"


def _integrity(answer: Answer) -> str:
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return "sri-not-implemented-response-not-html"
    sources = SCRIPT.findall(answer.text)
    if not sources:
        return "sri-not-implemented-but-no-scripts-loaded"
    if any(re.match(r"https?:|//", source) for source in sources):
        return "sri-not-implemented-and-external-scripts"
    return "sri-not-implemented-but-all-scripts-loaded-from-secure-origin"


def _sniffing(value: str | None) -> str:
    return f"x-content-type-options-{'nosniff' if value == 'nosniff' else 'not-implemented'}"


def _framing(answer: Answer) -> str:
    if answer.policy.get("frame-ancestors") in (["'none'"], ["'self'"]):
        return "x-frame-options-implemented-via-csp"
    known = answer.headers.get("x-frame-options", "").upper() in ("DENY", "SAMEORIGIN")
    return f"x-frame-options-{'sameorigin-or-deny' if known else 'not-implemented'}"


def _sharing(value: str | None) -> str:
    return "corp-not-implemented" if value is None else f"corp-implemented-with-{value}"


# --- CSP Evaluator ----------------------------------------------------------------------------

HIGH, SYNTAX, MEDIUM, HIGH_MAYBE, STRICT_CSP, MEDIUM_MAYBE, INFO = 10, 20, 30, 40, 45, 50, 60
KNOWN = {
    *(
        f"{kind}-src"
        for kind in (
            "child",
            "connect",
            "default",
            "font",
            "frame",
            "img",
            "manifest",
            "media",
            "object",
            "prefetch",
            "worker",
        )
    ),
    *(f"{kind}-src{part}" for kind in ("script", "style") for part in ("", "-attr", "-elem")),
    "base-uri",
    "block-all-mixed-content",
    "form-action",
    "frame-ancestors",
    "report-to",
    "report-uri",
    "require-trusted-types-for",
    "sandbox",
    "trusted-types",
    "upgrade-insecure-requests",
    "webrtc",
}
DEPRECATED = {
    "block-all-mixed-content",
    "prefetch-src",
    "plugin-types",
    "referrer",
    "reflected-xss",
}
KEYWORDS = {
    "'self'",
    "'none'",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'wasm-eval'",
    "'wasm-unsafe-eval'",
    "'strict-dynamic'",
    "'unsafe-hashes'",
    "'report-sample'",
    "'block'",
    "'allow'",
}
DANGEROUS = ("script-src", "script-src-attr", "script-src-elem", "object-src", "base-uri")
SCRIPTS = DANGEROUS[:3]
LEAST_NONCE = 8
NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
HASH = re.compile(r"'(sha256|sha384|sha512)-.+'")
ADDRESS = re.compile(r"(?:https?://)?(\[.*\]|\d{1,3}(?:\.\d{1,3}){3})(?::|/|$)")
Finding = tuple[int, str, str]


def evaluate(text: str) -> set[Finding]:
    """The findings about a policy: severity, type, directive."""
    policy = parse(text)
    return {*_syntax(policy), *_security(policy), *_strictness(policy)}


def _effective(policy: Mapping[str, list[str]], name: str) -> tuple[str, list[str]]:
    if name not in policy and name.startswith("script-src-"):
        name = "script-src"
    if name not in policy and name not in ("base-uri", "form-action", "frame-ancestors"):
        name = "default-src"
    return name, policy.get(name, [])


def _syntax(policy: Mapping[str, list[str]]) -> Iterator[Finding]:
    bare = {keyword.strip("'") for keyword in KEYWORDS}
    for name, values in policy.items():
        if name not in KNOWN | DEPRECATED:
            yield SYNTAX, "unknown directive", name
        for value in values:
            if value in KNOWN:
                yield SYNTAX, "missing semicolon", name
            if value in bare or value.startswith(("nonce-", "sha256-", "sha384-", "sha512-")):
                yield SYNTAX, "keyword without quotes", name
            quoted = value.startswith("'")
            known = value in KEYWORDS or NONCE.fullmatch(value) or HASH.fullmatch(value)
            if name == "require-trusted-types-for":
                known = value == "'script'"
            elif name in ("trusted-types", "webrtc"):
                known = value in ("'allow-duplicates'", "'none'", "'allow'", "'block'")
            if quoted and not known:
                yield SYNTAX, "invalid keyword", name


def _security(policy: Mapping[str, list[str]]) -> Iterator[Finding]:
    for wanted in SCRIPTS:
        yield from _of_scripts(*_effective(policy, wanted))
    for wanted in DANGEROUS:
        name, values = _effective(policy, wanted)
        for value in _in_force(values):
            if value in ("data:", "http:", "https:"):
                yield HIGH, "plain scheme", name
            if re.sub(r"^\w+://", "", value) == "*":
                yield HIGH, "wildcard", name
    yield from _missing(policy)
    yield from _details(policy)


def _of_scripts(name: str, values: list[str]) -> Iterator[Finding]:
    if "'unsafe-inline'" in _in_force(values):
        yield HIGH, "unsafe-inline", name
    for keyword in ("'unsafe-hashes'", "'unsafe-eval'"):
        if keyword in values:
            yield MEDIUM_MAYBE, keyword.strip("'"), name
    for value in _in_force(values):
        if value == "'self'" or ("." in value and not value.startswith("'")):
            yield MEDIUM_MAYBE, "allow-list", name


def _missing(policy: Mapping[str, list[str]]) -> Iterator[Finding]:
    if not _effective(policy, "object-src")[1]:
        yield HIGH, "missing", "object-src"
    elif policy.get("object-src", ["'none'"]) != ["'none'"]:
        yield MEDIUM_MAYBE, "allow-list", "object-src"
    if not {"script-src", "default-src"} & policy.keys():
        yield HIGH, "missing", "script-src"
    if _has_proof(policy) and "base-uri" not in policy:
        yield HIGH, "missing", "base-uri"


def _details(policy: Mapping[str, list[str]]) -> Iterator[Finding]:
    for name, values in policy.items():
        if name in DEPRECATED:
            yield INFO, "deprecated", name
        for value in values:
            nonce = NONCE.fullmatch(value)
            if nonce and len(nonce[1]) < LEAST_NONCE:
                yield MEDIUM, "short nonce", name
            if value.startswith("http://"):
                yield MEDIUM, "http", name
            if ADDRESS.match(value):
                yield INFO, "address", name
    if "report-uri" not in policy:
        kind = "report-to only" if "report-to" in policy else "no reporting"
        yield INFO, kind, "report-uri"


def _has_proof(policy: Mapping[str, list[str]]) -> bool:
    _, values = _effective(policy, "script-src")
    return any(NONCE.fullmatch(value) or HASH.fullmatch(value) for value in values)


def _strictness(policy: Mapping[str, list[str]]) -> Iterator[Finding]:
    name, values = _effective(policy, "script-src")
    dynamic = "'strict-dynamic'" in values
    if any(not value.startswith("'") for value in values) and not dynamic:
        yield STRICT_CSP, "no strict-dynamic", name
    if dynamic and not _has_proof(policy):
        yield INFO, "strict-dynamic alone", name
    if _has_proof(policy) and "'unsafe-inline'" not in values:
        yield STRICT_CSP, "no fallback for browsers without nonces", name
    if dynamic and not any(value in ("http:", "https:", "*") or "." in value for value in values):
        yield STRICT_CSP, "no fallback for browsers without strict-dynamic", name
    if "'script'" not in policy.get("require-trusted-types-for", []):
        yield INFO, "no trusted types", "require-trusted-types-for"
