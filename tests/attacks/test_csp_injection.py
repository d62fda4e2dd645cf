"""Attack: a source or report address, taken from a database or a form, that ends its directive and
writes another one, or ends the header and begins a new one."""

from __future__ import annotations

import pytest

from zenith.headers import NONCE, SELF, ContentSecurityPolicy
from zenith.kernel.errors import ConfigurationError

PAYLOADS = [
    "https://a.example.com; script-src *",
    "https://a.example.com;script-src *",
    "https://a.example.com/;report-uri",
    "https://a.example.com, default-src *",
    "https://a.example.com,",
    "https://a.example.com\r\nSet-Cookie: a=b",
    "https://a.example.com\nX: y",
    "https://a.example.com\r",
    "https://a.example.com\t'unsafe-inline'",
    "https://a.example.com 'unsafe-inline'",
    "https://a.example.com\x0b'unsafe-inline'",
    "https://a.example.com\x00",
    "https://a.example.com\u2028x",
    "https://a.example.com/\u00a0*",
    "https://a.example.com/\x7f",
    "'self' *",
    "'nonce'; script-src *",
    "'nonce-\0'",
    "'sha256-" + "A" * 43 + "='; script-src *",
]
LISTS = ("default_src", "script_src", "style_src", "img_src", "connect_src", "frame_ancestors")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_source_cannot_leave_its_directive(name, payload):
    with pytest.raises(ConfigurationError):
        ContentSecurityPolicy(**{name: (payload,)})
    with pytest.raises(ConfigurationError):
        ContentSecurityPolicy().extend(**{name: (payload,)})


@pytest.mark.parametrize(
    "changes",
    [
        {"report_uri": ("/r; script-src *",)},
        {"report_uri": ("/r, default-src *",)},
        {"report_uri": ("/r\r\nX: y",)},
        {"report_uri": ("/r default-src",)},
        {"report_to": "csp; script-src *"},
        {"report_to": "csp\n"},
        {"sandbox": ("allow-forms; script-src *",)},
        {"sandbox": ("allow-forms\n",)},
        {"trusted_types": ("a; script-src *",)},
        {"webrtc": "block'; script-src *"},
    ],
)
def test_other_directives_cannot_either(changes):
    with pytest.raises(ConfigurationError):
        ContentSecurityPolicy(**changes)


@pytest.mark.parametrize(
    "nonce", ["", "short", "A" * 21, "A" * 22 + "'", "A" * 22 + "; x", "A" * 22 + "\r\n", "é" * 30]
)
def test_nonce_is_checked(nonce):
    with pytest.raises(ConfigurationError, match="128 bits"):
        ContentSecurityPolicy().serialize(nonce=nonce)


def test_placeholder_of_the_nonce_cannot_be_smuggled_into_another_list():
    with pytest.raises(ConfigurationError, match="no meaning"):
        ContentSecurityPolicy(img_src=(SELF, NONCE))


def test_directive_names_come_from_the_known_set_only():
    for name in ("script-src *; x", "script-src\n", "Script Src", "x-script-src", ""):
        with pytest.raises(ConfigurationError, match="no directive"):
            ContentSecurityPolicy.from_directives({name: ["'self'"]})
