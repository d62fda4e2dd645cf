from __future__ import annotations

import contextlib
import json
import time

import pytest

from zenith.kernel.errors import BadRequestError
from zenith.transport.json_text import check_json


def check(body, max_depth=8):
    check_json(body, max_depth=max_depth)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'{"a": [1, -2.5e10, true, false, null, "text"]}',
        '{"käse": "日本 🧀"}'.encode(),
        rb'"\ud83e\uddc0 \u00e9 \\ud800 \" \/"',
        rb'"NaN Infinity [[[[[[[[[[[[ {{{{{{{{{{{{"',
        rb'"\"[[[[[[[[[[[["',
        rb'["\\", "[[[[[[[[[[[["]',
        b"[" * 8 + b"]" * 8,
        b'{"a":' * 8 + b"1" + b"}" * 8,
        b"[" + b"[]," * 100 + b"{}]",
        b"[" + b'{"a": []},' * 100 + b"1]",
        b"1e308",
        b"[1.5E+10, 1e-400]",
        b"1" * 4300,
        b"[1e100, 1e+300, 2e-999]",
        b"0." + b"1" * 300,
        b"not json, and left to the parser",
        b'{"a": 1e5, "b": 1-2e3}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_honest_json_passes(body):
    check(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"NaN", "NaN"),
        (b"[-Infinity]", "NaN"),
        (b'{"a":NaN}', "NaN"),
        (rb'["\\",NaN]', "NaN"),
        (b"1e999", "large"),
        (b"-1E999", "large"),
        (b"[1, 9.9e308]", "large"),
        (b"9" * 309 + b".0", "large"),
        (b"9" * 300 + b"e99", "large"),
        (b"1" * 4301, "large"),
        (rb'"\ud800"', "surrogate"),
        (rb'"\uDFFF"', "surrogate"),
        (rb'"\udc00\ud800"', "surrogate"),
        (rb'"\ud83e\ud83e\uddc0"', "surrogate"),
        (rb'"\\\ud800"', "surrogate"),
        (rb'{"\ud800": 1}', "surrogate"),
        (b'"\xff"', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "UTF-8"),
        ('{"a": 1}'.encode("utf-32-le"), "UTF-8"),
        (b"\x00", "UTF-8"),
        (b"[" * 9 + b"]" * 9, "deep"),
        (b"[" * 100_000, "deep"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "deep"),
        (b'[{"a":' * 5 + b"1" + b"}]" * 5, "deep"),
        (b"[" + b"[]," * 100 + b"[" * 8 + b"]" * 9, "deep"),
    ],
)
def test_json_that_breaks_its_readers(body, reason):
    with pytest.raises(BadRequestError) as caught:
        check(body)
    assert reason in caught.value.reason
    assert caught.value.status == 400


MIB = 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * (MIB // 3) + b"1]",
        b"[" + b'"",' * (MIB // 3) + b"1]",
        b"[" + b"1e99," * (MIB // 5) + b"1]",
        b"[" + b"1e100," * (MIB // 6) + b"1]",
        b"[" + (b"1" * 199 + b",") * (MIB // 200) + b"1]",
        b"[" + (b"[" * 60 + b"]" * 60 + b",") * (MIB // 121) + b"1]",
        b'"' + b"\\\\" * (MIB // 2) + b'"',
        b'"' + rb"\ud83d\ude00" * (MIB // 12) + b'"',
        b"1" * MIB,
        b"1." * (MIB // 2),
        b"1e" * (MIB // 2),
        b"[" * MIB,
        b"]" * MIB,
        b'"' * MIB,
        b"\\" * MIB,
    ],
    ids=lambda body: body[:12].decode(),
)
def test_the_check_is_linear(body):
    """None takes longer than a generous multiple of the parser's own work on a slow machine."""
    started = time.process_time()
    with contextlib.suppress(BadRequestError):
        check(body, max_depth=64)
    assert time.process_time() - started < 2.0


def test_what_passes_can_be_parsed_and_written_back():
    body = rb'{"a": [1.5, "\ud83e\uddc0", {"b": null}]}'
    check(body)
    json.dumps(json.loads(body), allow_nan=False, ensure_ascii=False).encode("utf-8")
