"""Honest requests pass, dangerous ones do not, and nothing but a refusal ever comes out."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from hypothesis import assume, example, given
from hypothesis import strategies as st

from zenith.kernel.errors import BadRequestError, SecurityError
from zenith.transport import TransportSettings
from zenith.transport.firewall import Firewall
from zenith.transport.hosts import HostList
from zenith.transport.json_text import check_json

FIREWALL = Firewall(TransportSettings())
HOSTS = HostList(("example.com", "*.example.org"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_every_json_value_passes_however_written(value, ascii_only, indent):
    check_json(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(), max_depth=64)


@given(VALUES, st.integers(0, 6))
def test_the_depth_is_exact(value, limit):
    body = json.dumps(value).encode()
    try:
        check_json(body, max_depth=limit)
    except BadRequestError:
        assert depth(value) > limit
    else:
        assert depth(value) <= limit


@given(st.binary() | st.text('[]{}",:\\u0dD8cCNaIinf1eE+-. \n', max_size=60).map(str.encode))
@example(b'["\\\\\\"[", NaN]')
@example(b'"\\u\\\\d800"')
def test_what_passes_and_parses_can_be_written_back(body):
    try:
        check_json(body, max_depth=20)
    except BadRequestError:
        return
    try:
        value = json.loads(body)
    except ValueError:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    assert depth(value) <= 20


@given(VALUES, st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", '"\\ud800"']), st.data())
def test_one_foul_value_anywhere_is_found(value, foul, data):
    text = json.dumps([value, "mark", value]).replace('"mark"', foul, 1)
    assume(text.count(foul) == 1 and "mark" not in json.dumps(value))
    try:
        check_json(text.encode(), max_depth=64)
    except BadRequestError:
        return
    raise AssertionError(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), max_size=5))
def test_every_segment_a_person_may_write_passes(segments):
    assume(not any(set(segment) & set("/\\%\ufffd") for segment in segments))
    assume(not any(segment in {".", ".."} for segment in segments))
    raw = "/" + "/".join(quote(segment, safe="") for segment in segments)
    assume(len(raw) < 8000)
    FIREWALL.check_target("GET", "/" + "/".join(segments), raw.encode(), b"")


@given(st.binary(), st.text(st.characters()), st.binary(), st.text())
def test_targets_pass_or_are_refused(raw_path, path, query, method):
    for target in (raw_path, None, b"/" + raw_path):
        try:
            FIREWALL.check_target(method, "/" + path, target, query)
            FIREWALL.check_target("GET", "/" + path, target, query)
        except SecurityError:
            continue
        assert not re.search(r"[\x00-\x1f\x7f\\]|//|/\.\.?(/|$)", "/" + path)


@given(st.lists(st.tuples(st.binary(), st.binary())), st.sampled_from(["1.0", "1.1", "2", "3"]))
def test_headers_pass_or_are_refused(raw, version):
    try:
        FIREWALL.check_headers(raw, dict(raw), http_version=version)
    except SecurityError:
        return
    for name, value in raw:
        assert name
        assert not set(name) & set(b" :\r\n\x00\x7f")
        assert not set(value) & {*range(9), *range(10, 32), 127}


@given(st.binary())
@example(b"example.com:80@evil.example")
@example(b"evil.example.org:0")
def test_a_host_passes_only_if_it_is_ours(header):
    try:
        host = HOSTS.accept(header)
    except SecurityError:
        return
    assert re.fullmatch(r"(example\.com|[a-z0-9_.-]+\.example\.org)(:\d{1,5})?", host)
