"""The policy: strict by default, changed by name, one text for one policy."""

from __future__ import annotations

import dataclasses

import pytest

from zenith.headers import NONCE, NONE, SELF, STRICT_DYNAMIC, ContentSecurityPolicy
from zenith.kernel.errors import ConfigurationError

VALUE = "AAAAAAAAAAAAAAAAAAAAAA"
GUIDE = {
    "default-src": ["'self'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:", "https:"],
    "font-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "media-src": ["'self'"],
    "object-src": ["'none'"],
    "frame-src": ["'none'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "upgrade-insecure-requests": [],
    "report-uri": ["/csp"],
}


def test_default_runs_only_scripts_with_the_nonce():
    text = ContentSecurityPolicy().serialize(nonce=VALUE)
    assert text == (
        f"default-src 'none'; script-src 'nonce-{VALUE}' 'strict-dynamic'; "
        f"style-src 'self' 'nonce-{VALUE}'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self'; manifest-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; upgrade-insecure-requests"
    )


def test_default_without_nonce_runs_no_script():
    text = ContentSecurityPolicy().serialize()
    assert "script-src 'none';" in text
    assert "style-src 'self';" in text


def test_upgrade_is_sent_on_https_only():
    policy = ContentSecurityPolicy()
    assert "upgrade-insecure-requests" not in policy.serialize(secure=False)
    assert b"upgrade-insecure-requests" not in policy.compile(secure=False).bare


def test_every_directive_is_written():
    policy = ContentSecurityPolicy(
        script_src_elem=(NONCE,),
        script_src_attr=(NONE,),
        style_src_elem=(SELF,),
        style_src_attr=(NONE,),
        frame_src=(SELF,),
        child_src=(SELF,),
        worker_src=(SELF, "blob:"),
        sandbox=("allow-forms", "allow-scripts"),
        require_trusted_types=True,
        trusted_types=("default", "'allow-duplicates'"),
        webrtc="block",
        report_uri=("/reports",),
        report_to="csp",
    )
    text = policy.serialize(nonce=VALUE)
    for part in (
        f"script-src-elem 'nonce-{VALUE}'",
        "script-src-attr 'none'",
        "style-src-elem 'self'",
        "style-src-attr 'none'",
        "frame-src 'self'",
        "child-src 'self'",
        "worker-src 'self' blob:",
        "sandbox allow-forms allow-scripts",
        "require-trusted-types-for 'script'",
        "trusted-types default 'allow-duplicates'",
        "webrtc 'block'",
        "report-uri /reports",
        "report-to csp",
    ):
        assert part in text.split("; ")
    assert ContentSecurityPolicy.parse(text) == policy


def test_report_only_leaves_out_what_browsers_ignore_there():
    policy = ContentSecurityPolicy(sandbox=())
    assert "sandbox" in policy.serialize().split("; ")
    reported = policy.compile(secure=True, report_only=True).bare
    assert b"sandbox" not in reported
    assert b"upgrade-insecure-requests" not in reported


def test_compiled_policy_equals_the_text():
    policy = ContentSecurityPolicy()
    compiled = policy.compile(secure=True)
    assert compiled.value().decode() == policy.serialize()
    assert compiled.value(VALUE.encode()).decode() == policy.serialize(nonce=VALUE)


def test_policy_without_nonce_compiles_to_one_piece():
    compiled = ContentSecurityPolicy(script_src=(SELF,), style_src=(SELF,)).compile(secure=True)
    assert compiled.value(b"x" * 22) == compiled.bare


def test_policy_is_immutable():
    policy = ContentSecurityPolicy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.img_src = ("*",)


def test_guide_dictionary_loads_as_it_is():
    policy = ContentSecurityPolicy.from_directives(GUIDE)
    assert policy.serialize() == (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
        "font-src 'self' data:; connect-src 'self'; media-src 'self'; object-src 'none'; "
        "frame-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
        "upgrade-insecure-requests; report-uri /csp"
    )


def test_guide_dictionary_without_report_address():
    policy = ContentSecurityPolicy.from_directives({**GUIDE, "report-uri": []})
    assert "report-uri" not in policy.serialize()


def test_replace_checks_again():
    policy = ContentSecurityPolicy().replace(connect_src=(SELF, "https://api.example.com"))
    assert "connect-src 'self' https://api.example.com" in policy.serialize()
    with pytest.raises(ConfigurationError, match="allow_eval"):
        policy.replace(script_src=(NONCE, "'unsafe-eval'"))


def test_extend_adds_and_replaces_none():
    policy = ContentSecurityPolicy().extend(
        img_src=("https://images.example.com",), frame_src=("https://video.example.com",)
    )
    assert policy.img_src == (SELF, "data:", "https://images.example.com")
    assert policy.frame_src == ("https://video.example.com",)


def test_extend_starts_from_what_the_browser_would_fall_back_to():
    policy = ContentSecurityPolicy(default_src=(SELF,)).extend(frame_src=("https://a.example.com",))
    assert policy.frame_src == (SELF, "https://a.example.com")


def test_extend_of_a_list_without_fallback_starts_empty():
    open_base = ContentSecurityPolicy(base_uri=None, allow_base_anywhere=True)
    assert open_base.extend(base_uri=(SELF,)).base_uri == (SELF,)


def test_extend_refuses_what_is_no_list():
    with pytest.raises(ConfigurationError, match="no source list"):
        ContentSecurityPolicy().extend(webrtc=("block",))


def test_sources_are_normal_and_unique():
    policy = ContentSecurityPolicy(
        img_src=("'SELF'", "DATA:", "HTTPS://Images.Example.com/A", SELF)
    )
    assert policy.img_src == (SELF, "data:", "https://images.example.com/A")


def test_dangers_are_listed():
    assert ContentSecurityPolicy().dangers == ()
    policy = ContentSecurityPolicy(
        style_src=(SELF, "'unsafe-inline'"),
        allow_inline_styles=True,
        allow_framing_by_anyone=True,
    )
    assert policy.dangers == ("allow_inline_styles", "allow_framing_by_anyone")


def test_parse_reads_what_browsers_read():
    policy = ContentSecurityPolicy.parse(
        " Script-Src\t'self' ;; object-src 'none'; base-uri 'none';default-src 'none'; "
        "style-src 'self'; form-action 'self'; frame-ancestors 'none'; webrtc 'allow'"
    )
    assert policy.script_src == (SELF,)
    assert policy.webrtc == "allow"
    assert policy.upgrade_insecure_requests is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("script-source 'self'", "no directive"),
        ("plugin-types application/pdf", "no directive"),
        ("img-src 'self'; IMG-SRC *", "given twice"),
        ("upgrade-insecure-requests 1", "cannot say"),
        ("require-trusted-types-for 'style'", "cannot say"),
        ("webrtc", "one value"),
        ("webrtc 'maybe'", "webrtc"),
        ("report-to a b", "one value"),
        ("report-to a/b", "endpoint name"),
        ("sandbox allow-everything-1", "sandbox"),
        ("report-uri //evil.example.com", "report-uri"),
        ("report-uri http://evil.example.com", "report-uri"),
        ("trusted-types a,b", "trusted-types"),
        ("img-src", "lists nothing"),
    ],
)
def test_parse_refuses(text, message):
    strict = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    with pytest.raises(ConfigurationError, match=message):
        ContentSecurityPolicy.parse(strict + text)


def test_tokens_must_be_a_tuple_of_text():
    with pytest.raises(ConfigurationError, match="no tuple"):
        ContentSecurityPolicy(sandbox="allow-forms")
    with pytest.raises(ConfigurationError, match="no place"):
        ContentSecurityPolicy(sandbox=(1,))


def test_strict_dynamic_needs_a_proof():
    with pytest.raises(ConfigurationError, match="no nonce and no hash"):
        ContentSecurityPolicy(script_src=(SELF, STRICT_DYNAMIC))
    digest = "'sha256-" + "A" * 43 + "='"
    policy = ContentSecurityPolicy(script_src=(digest, STRICT_DYNAMIC))
    assert f"script-src {digest} 'strict-dynamic'" in policy.serialize()
