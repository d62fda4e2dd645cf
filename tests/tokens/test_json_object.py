"""JSON objects that can be read in one way only."""

from __future__ import annotations

import pytest

from zenith.tokens.json_object import parse_object


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{}", {}),
        (b' {"a" : 1}\r\n', {"a": 1}),
        (b'{"a":"x:y","b":"https://a.example"}', {"a": "x:y", "b": "https://a.example"}),
        (b'{"a":"\\":","b":2}', {"a": '":', "b": 2}),
        (b'{"a" :"x:y",\n"b":2}', {"a": "x:y", "b": 2}),
        (
            b'{"a":{"b":[1,{"c":null}]},"d":[true,"e"]}',
            {"a": {"b": [1, {"c": None}]}, "d": [True, "e"]},
        ),
        (b'{"a":9223372036854775807,"b":-9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a":1.5e3,"b":-0.25}', {"a": 1500.0, "b": -0.25}),
        ('{"a":"ü😀"}'.encode(), {"a": "ü😀"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":' + b"[" * 15 + b"]" * 15 + b"}", None),
    ],
)
def test_objects_are_read(raw: bytes, expected: dict[str, object] | None) -> None:
    found = parse_object(raw)
    if expected is not None:
        assert found == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"1",
        b'"a"',
        b"null",
        b"{",
        b'{"a":1}x',
        b'{"a":1}{"a":1}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":/**/1}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\x01"}',
        b'{"a":"\\x41"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
    ],
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_object(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"a" :1,"a":2}',
        b'{"a":1,"a"\t:2}',
        b'{"a":"\\":","a":2}',
        b'{"a":"x:y","a":2}',
        b'{"a" :"x:y","b":"\\":","b":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":[[{"b":1,"b":2}]]}',
    ],
)
def test_duplicate_members_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="duplicate"):
        parse_object(raw)


@pytest.mark.parametrize(
    "number",
    [
        b"9223372036854775808",
        b"-9223372036854775809",
        b"1e999",
        b"-1e999",
        b"9" * 400,
        b"9" * 5000,
        b"NaN",
        b"Infinity",
        b"-Infinity",
    ],
)
@pytest.mark.parametrize("shape", [b'{"a":%s}', b'{"a":[%s]}', b'{"a":[{"b":%s}]}'])
def test_numbers_without_a_common_meaning_are_refused(number: bytes, shape: bytes) -> None:
    with pytest.raises(ValueError, match=r"large|number|expected|range"):
        parse_object(shape % number)


@pytest.mark.parametrize("depth", [16, 40, 1000, 4000])
@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused(depth: int, left: bytes, right: bytes) -> None:
    inner = b"1" if right == b"}" else b""
    with pytest.raises(ValueError, match=r"nested|recursion"):
        parse_object(b'{"a":' + left * depth + inner + right * depth + b"}")


def test_large_numbers_are_refused_wherever_they_stand() -> None:
    for raw in (b'{"a":9223372036854775808}', b'{"a":[9223372036854775808]}'):
        with pytest.raises(ValueError, match="integer too large"):
            parse_object(raw)
    assert parse_object(b'{"a":1e300,"b":[1.5]}') == {"a": 1e300, "b": [1.5]}
    assert parse_object(b'{":":":x"}') == {":": ":x"}
