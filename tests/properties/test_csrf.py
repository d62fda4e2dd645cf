"""Tokens hold for what they were issued for and for nothing else; forms are found however cut."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.csrf.keys import NEW, OLD
from zenith.csrf import CSRFProtection, CsrfTokens, Origins
from zenith.csrf.form import finder_for
from zenith.csrf.tokens import SIZE
from zenith.kernel.errors import BadRequestError

TOKENS = CsrfTokens([NEW, OLD])
PADS = st.binary(min_size=SIZE, max_size=SIZE)
FIELD = "csrf_token"
MULTIPART = b"multipart/form-data; boundary=xyz"


@given(st.text(), PADS)
def test_a_token_holds_for_its_binding(binding, pad):
    assert TOKENS.verify(TOKENS.issue(binding, pad=pad), binding=binding)


@given(st.text(), st.text(), PADS)
def test_and_for_no_other(binding, other, pad):
    assume(binding != other)
    assert not TOKENS.verify(TOKENS.issue(binding, pad=pad), binding=other)


@given(st.text(), PADS, st.data())
def test_a_bent_token_never_holds(binding, pad, data):
    token = TOKENS.issue(binding, pad=pad)
    index = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.characters(codec="ascii"))
    assume(letter != token[index])
    assert not TOKENS.verify(token[:index] + letter + token[index + 1 :], binding=binding)


@given(st.text(st.characters()), st.text(st.characters()))
def test_no_text_is_a_token_or_breaks_the_verifier(text, binding):
    assert not TOKENS.verify(text, binding=binding)
    assert not CSRFProtection(NEW).validate_token(text, text)


@given(PADS, PADS)
def test_tokens_show_nothing_of_what_they_hide(first, second):
    """The same proof under two pads shares no byte but by chance: each byte is masked alone."""
    assume(all(a != b for a, b in zip(first, second, strict=True)))
    one, two = (TOKENS.issue("s", pad=pad) for pad in (first, second))
    assert all(one[i : i + 4] != two[i : i + 4] for i in range(0, 80, 4))


@given(st.lists(st.tuples(st.text(), st.text())), st.text("ab-_0", max_size=80), st.data())
def test_the_field_of_a_form_is_found_however_it_arrives(pairs, value, data):
    from urllib.parse import urlencode

    assume(all(name != FIELD for name, _ in pairs))
    at = data.draw(st.integers(0, len(pairs)))
    body = urlencode([*pairs[:at], (FIELD, value), *pairs[at:]], errors="replace").encode()
    finder = finder_for(b"application/x-www-form-urlencoded", FIELD)
    for piece in cut(body, data):
        finder.feed(piece)
    finder.close()
    assert finder.value == value


@given(st.lists(st.binary(max_size=60), max_size=4), st.text("ab-_0", max_size=80), st.data())
def test_the_field_of_a_multipart_form_is_found_however_it_arrives(files, value, data):
    assume(not any(b"--xyz" in content for content in files))
    parts = [b'name="f"; filename="f"\r\n\r\n' + content for content in files]
    at = data.draw(st.integers(0, len(parts)))
    parts.insert(at, b'name="csrf_token"\r\n\r\n' + value.encode())
    head = b"--xyz\r\nContent-Disposition: form-data; "
    body = b"".join(head + part + b"\r\n" for part in parts) + b"--xyz--\r\n"
    finder = finder_for(MULTIPART, FIELD)
    for piece in cut(body, data):
        finder.feed(piece)
    assert finder.value == value


@given(st.binary(), st.data())
def test_any_bytes_are_a_form_or_a_bad_request(body, data):
    finder = finder_for(MULTIPART, FIELD)
    try:
        for piece in cut(b"--xyz" + body, data):
            finder.feed(piece)
    except BadRequestError:
        return
    finder.close()


@given(st.dictionaries(st.sampled_from([b"origin", b"sec-fetch-site", b"referer"]), st.binary()))
def test_no_header_breaks_the_origin_check(headers):
    fault = Origins((), ()).fault(headers, secure=True, host="example.com")
    assert isinstance(fault, str)


@given(st.binary(min_size=1).filter(lambda value: value != b"https://example.com"))
def test_no_origin_but_our_own_is_ours(origin):
    assert Origins((), ()).fault({b"origin": origin}, secure=True, host="example.com")


def cut(body, data):
    """The body in pieces of any size."""
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=8).map(sorted))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


def test_the_strategies_reach_the_finder():
    with pytest.raises(BadRequestError):
        finder_for(MULTIPART, FIELD).feed(b"nonsense")
