from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.fakes import event
from zenith.audit.redaction import MAX_ITEMS, REDACTED, details, redacted, text
from zenith.kernel.events import EventType
from zenith.kernel.keys import Secret, new_token

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


class Color(Enum):
    RED = "red"


class Form:
    def __repr__(self) -> str:
        return "Form(password='hunter2')"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "newPassword",
        "current_password",
        "PASSWD",
        "client_secret",
        "access-token",
        "refreshToken",
        "Authorization",
        "set-cookie",
        "X-API-Key",
        "private_key",
        "totp_code",
        "recovery codes"[:-1],
        "csrf_token",
    ],
)
def test_values_named_like_secrets_are_replaced(name: str) -> None:
    assert details({name: "hunter2"}) == {name: REDACTED}
    assert details({"form": {name: ["hunter2"]}}) == {"form": {name: REDACTED}}


@pytest.mark.parametrize(
    "name", ["token_id", "tokenType", "api_key_id", "status", "path", "author"]
)
def test_other_values_are_kept(name: str) -> None:
    assert details({name: "plain"}) == {name: "plain"}


@pytest.mark.parametrize(
    "secret",
    [JWT, f"Bearer {new_token()}", "basic dXNlcjpodW50ZXIy", f"zr_{'a' * 67}", f"zk_{'b' * 40}"],
    ids=["token", "bearer", "basic", "refresh token", "API key"],
)
def test_text_that_looks_like_a_secret_is_replaced_anywhere(secret: str) -> None:
    long = "x" * 500 + " " + secret + "y" * 2000
    found = redacted(
        event(reason=f"said {secret} here", user_agent=secret, target=long, details={"a": [secret]})
    )
    shown = repr(found)
    assert secret not in shown
    assert secret[-12:] not in shown
    assert secret[:12] not in shown
    assert found.reason.startswith("said ")


@pytest.mark.parametrize("before", ["", " ", "\n", "=", "é "])
@pytest.mark.parametrize(
    "secret", [JWT, "BEARER abcdefgh", "Digest\tabcdefgh", "bAsic abcdefgh", f"ZK_{'b' * 20}"]
)
def test_a_secret_begins_anywhere_in_any_case(before: str, secret: str) -> None:
    assert text(f"{before}{secret}, it said") == text(before) + "[redacted], it said"


@pytest.mark.parametrize(
    "plain",
    [
        *("xeyJhbGciOiJIUzI1NiJ9.abc", f"-za_{'b' * 20}", "unbasic abcdefgh", "forbearer abcdefgh"),
        *("xdigest abcdefgh", "basic abcdefg", f"zk_{'b' * 19}", "bearer of bad news"),
    ],
)
def test_words_that_only_hold_such_letters_are_kept(plain: str) -> None:
    assert text(plain) == plain


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain", "plain"),
        (7, 7),
        (True, True),
        (None, None),
        (1.5, 1.5),
        (1 << 63, "<int>"),
        (float("inf"), "<float>"),
        (float("nan"), "<float>"),
        (EventType.LOGOUT, "LOGOUT"),
        (Color.RED, "RED"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (ip_address("192.0.2.1"), "192.0.2.1"),
        (PurePosixPath("/a"), "/a"),
        ((1, "b"), [1, "b"]),
        ({1: 2}, {"int": 2}),
        (b"bytes", "<bytes>"),
        (Form(), "<Form>"),
        (Secret("hunter2"), "<Secret>"),
        ([[[["deep"]]]], [[["<list>"]]]),
    ],
)
def test_what_becomes_of_a_value(value: Any, kept: Any) -> None:
    assert details({"v": value}) == {"v": kept}


def test_sizes_are_bounded() -> None:
    many = details({f"k{number}": number for number in range(MAX_ITEMS + 5)})
    assert len(many) == MAX_ITEMS + 1
    assert many["..."] == "5 more"
    items = details({"list": list(range(MAX_ITEMS + 5))})["list"]
    assert isinstance(items, list)
    assert items[-1] == "5 more"
    assert len(items) == MAX_ITEMS + 1
    assert len(text("x" * 10_000)) == 512
    assert len(text("\x00" * 10_000)) == 512


def test_what_does_not_print_is_shown_as_an_escape() -> None:
    assert text("a\nb\x1b[2Jc\u202ed\x00") == r"a\nb\x1b[2Jc\u202ed\x00"
    assert text("Grüße, 世界") == "Grüße, 世界"


def test_absent_fields_stay_absent() -> None:
    plain = event()
    assert redacted(plain) == plain


@given(
    st.text(st.characters(codec=None)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ),
)
def test_any_event_becomes_json_twice_alike(said: str, value: object) -> None:
    found = redacted(event(reason=said, user_agent=said, details={"v": value, said: value}))
    json.dumps(found.details, allow_nan=False)
    assert found.reason.isprintable()
    assert redacted(found).reason == found.reason


@pytest.mark.parametrize("field", ["scheme", "address", "user_agent"])
@pytest.mark.parametrize("length", [1, 600])
def test_what_was_seen_before_is_redacted_again(field: str, length: int) -> None:
    value = "x" * length + " " + JWT
    first, second = (getattr(redacted(event(**{field: value})), field) for _ in range(2))
    assert first == second
    assert "eyJ" not in first
    assert len(first) <= 512
