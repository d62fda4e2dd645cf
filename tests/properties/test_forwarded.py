"""Forwarded by the grammar of RFC 7239 section 4, and whatever stands left of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zenith.kernel.forwarded import read_backwards

TCHAR = "!#$%&'*+-.^_`|~09azAZ"
QUOTED = "".join(map(chr, [9, *range(32, 127), *range(128, 256)]))
SPACE = st.sampled_from(["", "", " ", "\t", "  "])
NAMES = ["for", "by", "proto", "host", "secret", "For", "PROTO", "Host"]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


TOKENS = st.text(TCHAR, min_size=1, max_size=8).map(lambda text: (text, text))
STRINGS = st.text(QUOTED, max_size=10).map(lambda text: (quoted(text), text))


@st.composite
def elements(draw):
    """The text of an element, and what it says."""
    names = draw(
        st.lists(
            st.sampled_from(NAMES), min_size=1, max_size=4, unique_by=lambda each: each.lower()
        )
    )
    said = {name: draw(TOKENS | STRINGS) for name in names}
    text = ";".join(f"{name}={raw}" for name, (raw, _) in said.items())
    told = {name.lower(): value for name, (_, value) in said.items()}
    means = (told.get("for", ""), told.get("proto", "").lower(), told.get("host", ""))
    return draw(SPACE) + text + draw(SPACE), means


@given(st.lists(elements(), min_size=1, max_size=4))
def test_every_header_of_the_grammar_is_read_as_it_was_meant(given_elements):
    header = ",".join(text for text, _ in given_elements)
    assert [tuple(found) for found in read_backwards(header)] == [
        means for _, means in reversed(given_elements)
    ]


@given(st.text(st.characters(min_codepoint=9, max_codepoint=255), max_size=30), elements())
def test_nothing_to_the_left_changes_what_the_nearest_proxy_says(left, element):
    text, means = element
    assert tuple(next(read_backwards(f"{left},{text}"))) == means


@given(st.text(QUOTED, max_size=30), st.booleans())
def test_nothing_that_a_proxy_quotes_changes_what_it_says(host, last):
    pairs = ["for=198.51.100.7", "proto=http"]
    pairs.insert(2 if last else 0, f"host={quoted(host)}")
    found = next(read_backwards("for=10.0.0.9;proto=https," + ";".join(pairs)))
    assert tuple(found) == ("198.51.100.7", "http", host)
