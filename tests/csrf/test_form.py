from __future__ import annotations

import pytest

from zenith.csrf.form import MAX_DISPOSITION, MAX_VALUE, finder_for
from zenith.kernel.errors import BadRequestError

FIELD = "csrf_token"
MULTIPART = b"multipart/form-data; boundary=xyz"


def part(name, value, more=""):
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def form(*parts):
    return ("".join(parts) + "--xyz--\r\n").encode("latin-1")


def find(content_type, body, size=None):
    finder = finder_for(content_type, FIELD)
    for start in range(0, len(body), size or len(body) or 1):
        finder.feed(body[start : start + (size or len(body))])
    finder.close()
    return finder.value


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"csrf_token=abc", "abc"),
        (b"a=1&csrf_token=abc&b=2", "abc"),
        (b"csrf_token=one&csrf_token=two", "one"),
        (b"csrf_token=a%2Db", "a-b"),
        (b"csrf_token=", ""),
        (b"csrf_token=%ff%00", "\xff\x00"),
        (b"csrf_token", None),
        (b"xcsrf_token=abc", None),
        (b"a=csrf_token=abc", None),
        (b"a=1;csrf_token=abc", None),
        (b"", None),
        (b"&&&&=&=", None),
    ],
)
def test_urlencoded(body, value, size):
    assert find(b"application/x-www-form-urlencoded", body, size) == value
    assert find(b" Application/X-WWW-Form-URLEncoded ; charset=utf-8", body, size) == value


def test_a_long_value_is_cut_so_that_it_cannot_match():
    assert (
        len(find(b"application/x-www-form-urlencoded", b"csrf_token=" + b"a" * 9999)) == MAX_VALUE
    )
    assert len(find(MULTIPART, form(part(FIELD, "a" * 9999)))) == MAX_VALUE
    assert len(find(MULTIPART, form(part(FIELD, "a" * 9999)), 100)) == MAX_VALUE


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(
    ("body", "value"),
    [
        (form(part(FIELD, "abc")), "abc"),
        (form(part("a", "1"), part(FIELD, "abc"), part("b", "2")), "abc"),
        (form(part(FIELD, "one"), part(FIELD, "two")), "one"),
        (form(part("file", "csrf_token=abc", '; filename="x"'), part(FIELD, "abc")), "abc"),
        (form(part(FIELD, "abc", '; filename="x"')), None),
        (form(part("a", part(FIELD, "abc").replace("--xyz", "--xyy"))), None),
        (
            form("--xyz\r\nX: y\r\ncontent-disposition: form-data; name=csrf_token\r\n\r\nz\r\n"),
            "z",
        ),
        (form("--xyz\r\nX: y\r\n\r\nno disposition\r\n"), None),
        (part(FIELD, "never finished").encode(), None),
        (form(), None),
    ],
)
def test_multipart(body, value, size):
    assert find(MULTIPART, body, size) == value


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        b"--xyz\r\n" + b"A" * 70_000,
        b"--xyz\r\nContent Disposition\r\n\r\n",
        b"--xyz\r\nContent-Disposition: " + b"a" * (MAX_DISPOSITION + 1),
    ],
)
def test_a_broken_multipart_form_is_refused(body):
    with pytest.raises(BadRequestError):
        find(MULTIPART, body)


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=" + b"x" * 71,
        b"multipart/form-data; charset=utf-8",
    ],
)
def test_a_multipart_form_needs_a_boundary(content_type):
    with pytest.raises(BadRequestError):
        finder_for(content_type, FIELD)


@pytest.mark.parametrize("content_type", [b"", b"application/json", b"text/plain", b";", b"form"])
def test_other_bodies_are_not_looked_into(content_type):
    assert finder_for(content_type, FIELD) is None
