"""Attack: injected markup on a page whose policy looks strict but lets it run all the same:
inline scripts, whole schemes, public script hosts, a moved base, a foreign form target."""

from __future__ import annotations

import pytest

from zenith.headers import NONCE, NONE, SELF, STRICT_DYNAMIC, ContentSecurityPolicy
from zenith.kernel.errors import ConfigurationError

UNSAFE = [
    ({"script_src": (SELF, "'unsafe-inline'")}, "allow_inline_scripts"),
    ({"script_src": (SELF, "'UNSAFE-INLINE'")}, "allow_inline_scripts"),
    ({"script_src": (NONCE, "'unsafe-inline'")}, "allow_inline_scripts"),
    ({"script_src": (NONCE, "'unsafe-hashes'")}, "allow_inline_scripts"),
    ({"script_src_attr": ("'unsafe-inline'",)}, "allow_inline_scripts"),
    ({"script_src_elem": ("'unsafe-inline'",)}, "allow_inline_scripts"),
    ({"script_src": (NONCE, "'unsafe-eval'")}, "allow_eval"),
    ({"script_src": ("*",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("data:",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("DATA:",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("blob:",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("https:",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("https://*",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("*.com",)}, "allow_scripts_from_anywhere"),
    ({"script_src": ("http://scripts.example.com",)}, "allow_scripts_from_anywhere"),
    ({"script_src_elem": ("https:",)}, "allow_scripts_from_anywhere"),
    ({"script_src": None, "default_src": ("https:",)}, "allow_scripts_from_anywhere"),
    ({"script_src": None, "default_src": None}, "allow_scripts_from_anywhere"),
    ({"script_src": ("https://cdn.jsdelivr.net",)}, "allow_scripts_from_public_hosts"),
    ({"script_src": ("*.JSDELIVR.net",)}, "allow_scripts_from_public_hosts"),
    ({"object_src": (SELF,)}, "allow_plugins"),
    ({"object_src": None, "default_src": (SELF,)}, "allow_plugins"),
    ({"style_src": (SELF, "'unsafe-inline'")}, "allow_inline_styles"),
    ({"style_src_attr": ("'unsafe-inline'",)}, "allow_inline_styles"),
    ({"style_src": ("https:",)}, "allow_styles_from_anywhere"),
    ({"style_src": None, "default_src": None, "script_src": (NONE,)}, "allow_styles_from_anywhere"),
    ({"base_uri": None}, "allow_base_anywhere"),
    ({"base_uri": ("*",)}, "allow_base_anywhere"),
    ({"form_action": None}, "allow_forms_to_anywhere"),
    ({"form_action": ("https:",)}, "allow_forms_to_anywhere"),
    ({"frame_ancestors": None}, "allow_framing_by_anyone"),
    ({"frame_ancestors": ("*",)}, "allow_framing_by_anyone"),
    ({"frame_ancestors": ("https:",)}, "allow_framing_by_anyone"),
]


@pytest.mark.parametrize(("changes", "name"), UNSAFE)
def test_refused_until_named(changes, name):
    with pytest.raises(ConfigurationError, match=f"{name}=True"):
        ContentSecurityPolicy(**changes)


@pytest.mark.parametrize(("changes", "name"), UNSAFE)
def test_accepted_by_its_name_and_reported(changes, name):
    allow = dict.fromkeys((name, "allow_plugins", "allow_styles_from_anywhere"), True)
    assert name in ContentSecurityPolicy(**changes, **allow).dangers


@pytest.mark.parametrize(("changes", "name"), UNSAFE)
def test_one_name_admits_nothing_else(changes, name):
    others = dict.fromkeys(
        {
            "allow_inline_scripts",
            "allow_eval",
            "allow_scripts_from_anywhere",
            "allow_scripts_from_public_hosts",
            "allow_plugins",
            "allow_inline_styles",
            "allow_styles_from_anywhere",
            "allow_base_anywhere",
            "allow_forms_to_anywhere",
            "allow_framing_by_anyone",
        }
        - {name},
        True,
    )
    with pytest.raises(ConfigurationError, match=name):
        ContentSecurityPolicy(**changes, **others)


def test_unused_nonce_does_not_bring_its_fallbacks_to_life():
    policy = ContentSecurityPolicy(
        script_src=(NONCE, STRICT_DYNAMIC, "https:", "'unsafe-inline'"),
        style_src=(NONCE, "'unsafe-inline'"),
        allow_inline_scripts=True,
        allow_inline_styles=True,
        allow_scripts_from_anywhere=True,
    )
    for text in (policy.serialize(), policy.compile(secure=True).bare.decode()):
        assert "script-src 'none'; style-src 'none'" in text
        assert "unsafe-inline" not in text


def test_text_of_a_foreign_policy_is_judged_like_our_own():
    with pytest.raises(ConfigurationError, match="allow_inline_scripts"):
        ContentSecurityPolicy.parse(
            "default-src 'self'; script-src 'self' 'unsafe-inline'; object-src 'none'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
