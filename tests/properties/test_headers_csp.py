"""Whatever policy can be built, its text says that policy and nothing else."""

from __future__ import annotations

import base64
import string

from hypothesis import given
from hypothesis import strategies as st

from zenith.headers import NONCE, NONE, SELF, STRICT_DYNAMIC, ContentSecurityPolicy
from zenith.headers.csp import DANGERS, SOURCE_LISTS
from zenith.headers.sources import check_source
from zenith.kernel.errors import ConfigurationError

EVERYTHING = dict.fromkeys(DANGERS, True)
VALUE = "A" * 22
CODE_LISTS = [name for name in SOURCE_LISTS if name.startswith(("script", "style", "default"))]

label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).filter(
    lambda text: text not in ("self", "none", "nonce")
)
host = st.builds(
    lambda scheme, labels, port: f"{scheme}{'.'.join(labels)}{port}",
    st.sampled_from(["", "https://", "http://", "wss://"]),
    st.lists(label, min_size=1, max_size=3),
    st.sampled_from(["", ":443", ":*"]),
)
scheme = st.sampled_from(["https:", "data:", "blob:", "wss:"])
plain = st.one_of(host, scheme, st.sampled_from([SELF, "*"]))
digest = st.binary(min_size=32, max_size=32).map(
    lambda raw: f"'sha256-{base64.b64encode(raw).decode()}'"
)
keyword = st.sampled_from(
    [NONCE, "'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'report-sample'"]
)


def lists_of(source):
    return st.one_of(st.none(), st.just((NONE,)), st.lists(source, min_size=1, max_size=4))


@st.composite
def policies(draw):
    values = {}
    for name in SOURCE_LISTS:
        code = name in CODE_LISTS
        chosen = draw(lists_of(st.one_of(plain, digest, keyword) if code else plain))
        if chosen is not None:
            chosen = tuple(dict.fromkeys(chosen))
            if code and NONCE in chosen and draw(st.booleans()):
                chosen = (*chosen, STRICT_DYNAMIC)
        values[name] = chosen
    return ContentSecurityPolicy(
        **values,
        sandbox=draw(st.none() | st.just(()) | st.just(("allow-forms",))),
        upgrade_insecure_requests=draw(st.booleans()),
        require_trusted_types=draw(st.booleans()),
        webrtc=draw(st.sampled_from([None, "allow", "block"])),
        report_to=draw(st.none() | label),
        report_uri=draw(st.none() | st.just(("/reports",))),
        **EVERYTHING,
    )


@given(policies())
def test_parse_inverts_serialize(policy):
    assert ContentSecurityPolicy.parse(policy.serialize(nonce=VALUE), **EVERYTHING) == policy


@given(policies())
def test_compiled_bytes_are_the_text(policy):
    compiled = policy.compile(secure=True)
    assert compiled.value(VALUE.encode()).decode("ascii") == policy.serialize(nonce=VALUE)
    assert compiled.bare.decode("ascii") == policy.serialize()


@given(policies())
def test_leaving_the_nonce_out_never_adds_a_source(policy):
    with_nonce = ContentSecurityPolicy.parse(policy.serialize(nonce=VALUE), **EVERYTHING)
    without = ContentSecurityPolicy.parse(policy.serialize(), **EVERYTHING)
    for name in SOURCE_LISTS:
        before, after = getattr(with_nonce, name), getattr(without, name)
        assert (before is None) == (after is None)
        added = set(after or ()) - set(before or ())
        assert added <= {NONE}
        if before is not None and NONCE in before:
            assert "'unsafe-inline'" not in after


@given(st.text(max_size=40))
def test_no_text_leaves_its_directive(text):
    try:
        source = check_source(text, directive="script-src", code=True)
    except ConfigurationError:
        return
    assert source.isascii()
    assert not set(source) & set(" ;,\t\r\n\x0b\x0c\0\x7f")


@given(st.text(max_size=200))
def test_parse_refuses_or_round_trips(text):
    try:
        policy = ContentSecurityPolicy.parse(text, **EVERYTHING)
    except ConfigurationError:
        return
    assert ContentSecurityPolicy.parse(policy.serialize(nonce=VALUE), **EVERYTHING) == policy
