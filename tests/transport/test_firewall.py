from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from zenith.kernel.errors import BadRequestError
from zenith.transport import (
    HeadersTooLargeError,
    MethodNotAllowedError,
    TransportSettings,
    UriTooLongError,
)
from zenith.transport.firewall import SINGULAR, Firewall

FIREWALL = Firewall(TransportSettings())
LOOSE = Firewall(TransportSettings(allow_encoded_slashes=True, allow_empty_path_segments=True))


def target(raw_path, *, query=b"", method="GET", firewall=FIREWALL, path=None, keep_raw=True):
    """As servers do: the path is the raw one decoded, with replacements where that fails."""
    if path is None:
        path = unquote(raw_path.decode("latin-1"))
    firewall.check_target(method, path, raw_path if keep_raw else None, query)


def headers(*pairs, version="1.1", firewall=FIREWALL):
    raw = [(b"host", b"localhost"), *pairs]
    firewall.check_headers(raw, dict(raw), http_version=version)


@pytest.mark.parametrize(
    "raw_path",
    [
        b"/",
        b"/users/42/posts",
        b"/.well-known/jwks.json",
        b"/a.b/..c/d../...",
        b"/a;b=c/@me/~user/(x)/a,b/$1/a:b/a+b/!*'",
        b"/caf%C3%A9/%E6%97%A5%E6%9C%AC",
        b"/a%20b",
        b"/100%25",
        b"/family/%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9",
        b"/%3Cscript%3E",
        b"/trailing/",
    ],
)
@pytest.mark.parametrize("keep_raw", [True, False])
def test_honest_paths_pass(raw_path, keep_raw):
    target(raw_path, keep_raw=keep_raw)


@pytest.mark.parametrize(
    "raw_path",
    [
        b"/a/../b",
        b"/a/..",
        b"/./a",
        b"/a/.",
        b"/a/%2e%2e/b",
        b"/a/.%2E",
        b"//evil.example",
        b"/a//b",
        b"/a%2f..%2fb",
        b"/a%2Fb",
        b"/a%5cb",
        b"/a\\b",
        b"/a%00",
        b"/a%0d%0aSet-Cookie:x",
        b"/a%7f",
        b"/a%C2%85",
        b"/a\x01",
        b"/a b",
        b"/caf\xc3\xa9",
        b"/%252e%252e/",
        b"/%2500",
        b"/%",
        b"/%4",
        b"/%zz",
        b"/%c0%af",
        b"/%e0%80%af",
        b"/%ff",
        b"/%ed%a0%80",
        b"/%f4%90%80%80",
        b"/a#b",
        b"/#",
        b"relative",
        b"*",
        b"http://evil.example/",
        b"",
    ],
)
def test_paths_that_two_readers_read_differently(raw_path):
    with pytest.raises(BadRequestError):
        target(raw_path)


def test_a_query_holds_no_fragment():
    with pytest.raises(BadRequestError):
        target(b"/a", query=b"b#c")
    target(b"/a%23b", query=b"b%23c")


@pytest.mark.parametrize("version", ["0.9", "1.2", "9.9", "1", ""])
def test_versions_that_nobody_has_defined(version):
    with pytest.raises(BadRequestError) as caught:
        headers(version=version)
    assert "version" in caught.value.reason
    for known in ("1.0", "1.1", "2", "3"):
        headers(version=known)


@pytest.mark.parametrize("path", ["/a\\b", "/a\x00", "/\ufffd", "/a//b", "/a/../b"])
def test_servers_without_a_raw_path_are_covered_too(path):
    with pytest.raises(BadRequestError):
        FIREWALL.check_target("GET", path, None, b"")


def test_what_is_allowed_by_name():
    target(b"/a%2Fb", firewall=LOOSE)
    target(b"/a%5Cb", firewall=LOOSE)
    target(b"/a//b", firewall=LOOSE)
    for raw_path in (b"/a%2f..%2fb", b"/a%00", b"/a%5C%00"):
        with pytest.raises(BadRequestError):
            target(raw_path, firewall=LOOSE)


@pytest.mark.parametrize("query", [b"a=b&c=%C3%A9", b"a[]=1&b={}|^`", b"x=%ff%fe", b"%", b"&&=&"])
def test_honest_queries_pass(query):
    target(b"/", query=query)


@pytest.mark.parametrize(
    "query", [b"a=%00", b"a=\x00", b"a=b c", b"a=\xc3\xa9", b"a\r\nb", b"\x7f"]
)
def test_queries_with_forbidden_characters(query):
    with pytest.raises(BadRequestError):
        target(b"/", query=query)


def test_long_addresses():
    target(b"/" + b"a" * 8000)
    with pytest.raises(UriTooLongError):
        target(b"/" + b"a" * 9000)
    with pytest.raises(UriTooLongError):
        target(b"/", query=b"a" * 9000)
    with pytest.raises(UriTooLongError):
        target(b"/" + b"a" * 9000, keep_raw=False)


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "get", "", "GET\x00"])
def test_methods_that_nobody_serves(method):
    with pytest.raises(MethodNotAllowedError) as caught:
        target(b"/", method=method)
    assert caught.value.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def test_methods_are_a_setting():
    target(b"/", method="PROPFIND", firewall=Firewall(TransportSettings(methods=("PROPFIND",))))


def test_honest_headers_pass():
    headers(
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
        (b"accept", b"text/html;q=0.9,\t*/*"),
        (b"x-latin", "é".encode("latin-1")),
        (b"x-empty", b""),
        (b"connection", b"keep-alive"),
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", b"12"),
    )


def test_lists_may_come_in_several_lines():
    headers((b"accept", b"a"), (b"accept", b"b"), (b"cookie", b"a=1"), (b"cookie", b"b=2"))


@pytest.mark.parametrize("name", sorted(SINGULAR))
def test_singular_headers_come_once(name):
    with pytest.raises(BadRequestError, match="Malformed"):
        headers((name, b"1"), (name, b"1"))
    with pytest.raises(BadRequestError):
        headers((name, b"1"), (name.title(), b"2"))


@pytest.mark.parametrize(
    "pair",
    [
        (b"", b"x"),
        (b"a b", b"x"),
        (b"a:", b"x"),
        (b"a\x00", b"x"),
        (b"a\r\nb", b"x"),
        (b"\xc3\xa9", b"x"),
        (b"x", b"a\x00"),
        (b"x", b"a\r\nSet-Cookie: b"),
        (b"x", b"a\n b"),
        (b"x", b"\x1b[31m"),
        (b"x", b"\x7f"),
    ],
)
def test_names_and_values_with_forbidden_characters(pair):
    with pytest.raises(BadRequestError):
        headers(pair)


def test_the_size_and_number_of_headers():
    headers((b"cookie", b"a" * 8000), (b"authorization", b"b" * 8000))
    headers(*((b"x-%d" % number, b"") for number in range(99)))
    with pytest.raises(HeadersTooLargeError):
        headers((b"cookie", b"a" * 8192))
    with pytest.raises(HeadersTooLargeError):
        headers(*((b"x-%d" % number, b"a" * 4000) for number in range(9)))
    with pytest.raises(HeadersTooLargeError):
        headers(*((b"x-%d" % number, b"") for number in range(100)))
    with pytest.raises(HeadersTooLargeError):
        headers(*((b"accept", b"") for _ in range(100)))


@pytest.mark.parametrize(
    "length", [b"", b"-1", b"+1", b" 1", b"1 ", b"1,1", b"0x10", b"1e3", b"\xb2", b"9" * 19, b"a"]
)
def test_a_content_length_is_a_number(length):
    with pytest.raises(BadRequestError):
        headers((b"content-length", length))


@pytest.mark.parametrize(
    "coding", [b"identity", b"gzip, chunked", b"chunked, chunked", b"xchunked", b"chunked ", b""]
)
def test_the_only_transfer_coding_is_chunked(coding):
    headers((b"transfer-encoding", b"Chunked"))
    with pytest.raises(BadRequestError):
        headers((b"transfer-encoding", coding))


def test_a_body_has_one_length():
    with pytest.raises(BadRequestError):
        headers((b"transfer-encoding", b"chunked"), (b"content-length", b"5"))


@pytest.mark.parametrize("name", [b"connection", b"keep-alive", b"proxy-connection", b"upgrade"])
def test_http_2_has_no_connection_headers(name):
    headers((name, b"x"), version="1.1")
    headers((b"accept", b"x"), version="2")
    for version in ("2", "3"):
        with pytest.raises(BadRequestError):
            headers((name, b"x"), version=version)
        with pytest.raises(BadRequestError):
            headers((b"transfer-encoding", b"chunked"), version=version)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json;charset=utf-8",
        b'text/plain; charset="UTF-8"; format=flowed',
        b"multipart/form-data; boundary=abc",
        b"text/plain; charset=ISO-8859-1",
        b"text/plain",
    ],
)
def test_honest_charsets_pass(content_type):
    headers((b"content-type", content_type))


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data; boundary=x; charset=unicode_escape",
        b"multipart/form-data; boundary=x; charset=utf-8; charset=punycode",
        b"multipart/form-data; boundary=x;\xa0charset=utf-7",
        b"multipart/form-data; boundary=x; charset =utf-7",
        b"multipart/form-data; boundary=x; CHARSET=idna",
        b"application/json; charset=utf-16",
        b"application/json; charset",
        b"application/json; charset=utf-8x",
        b"application/json; charset=",
    ],
)
def test_charsets_whose_decoders_are_attack_surface(content_type):
    with pytest.raises(BadRequestError):
        headers((b"content-type", content_type))


@pytest.mark.parametrize("content_type", [b"application/json\xa0", b"text/plain; name=\xe9"])
def test_types_that_readers_strip_differently(content_type):
    with pytest.raises(BadRequestError):
        headers((b"content-type", content_type))


def test_every_letter_of_every_script_passes():
    text = "".join(chr(point) for point in range(0xA0, 0x3000) if chr(point).isalnum())
    for start in range(0, len(text), 500):
        target(b"/" + quote(text[start : start + 500]).encode())
