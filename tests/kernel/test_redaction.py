from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenith.kernel.redaction import MARGIN, PLAIN, REDACTED, Redactor, printable

CARDS = [
    "4111111111111111",
    "5500-0000-0000-0004",
    "3782 822463 10005",
    "6011 1111 1111 1117",
    "2223000048400011",
    "4111+1111+1111+1111",
    "4111%201111%201111%201111",
    "4111 - 1111 - 1111 - 1111",
    "4111\u00a01111\u20111111\u20131111",
    "30569309025904",
    "6304000000000000",
    "4222222222222",
]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("around", ["{}", "card {}, 12/29", "n={}, 3 more", "{} 99"])
def test_a_card_number_is_replaced(card: str, around: str) -> None:
    assert PLAIN.text(around.format(card)) == around.format(REDACTED)


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111112",  # another check digit
        "1732284303123",  # a point in time
        "20261122140503123",
        "2026-11-22 14:05:03",
        "9999999999999995",
        "41111111111111110000",
        "4444 4444",
        "5555 4444 3333 2222 1110 0000",
        "id 0000-4111111111111111",
        "took 0.4532015112830366 s",
        "649578578728356.5",
        "dd.trace_id=4532015112830366789",
        "trace_id: '4111111111111111'",
        "2483323184136602693",
        "4/4.111111111111111",
    ],
)
def test_other_numbers_are_kept(number: str) -> None:
    kept = PLAIN.text(number)
    assert kept == (number if "0000-4111" not in number else f"id 0000-{REDACTED}")


@pytest.mark.parametrize(
    "plain",
    [
        "key=4 monkey: x, turkey=1",
        "status code: 404",
        "bypass=1 compass: north passed=5",
        "hotpatch=1 laptop: x",
        "cvvs=1",
        "token_id=4 tokenType: x",
        "password_count=3, secret name: x",
        "https://example.org:8000/a@b",
        "https://example.org/~ada@home ssh://git@example.org postgresql://app@db/main",
        "https://example.org/?page=2&sort=name",
        "GET /a?b=c",
        "ghost-writer glpat- xox IAmA AIza",
        "a 'quoted' word: and > more",
        "id token: nonce does not hold",
        "Key (a",
        "-----BEGIN of it",
        "f(x) = y",
        "basic needs",
        "100%3d",
    ],
)
def test_plain_text_is_kept(plain: str) -> None:
    assert PLAIN.text(plain) == plain


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("token=password=abc x", f"token={REDACTED} x"),
        ("password='a' secret=\"b\" c", f"password='{REDACTED}' secret=\"{REDACTED}\" c"),
        ("db_pass=x,y", f"db_pass={REDACTED},y"),
        ("account-key: x", f"account-key: {REDACTED}"),
        ("backup code: x", f"backup code: {REDACTED}"),
        ("cvc: 123", f"cvc: {REDACTED}"),
        ("\u0130 password=abc", f"\u0130 password={REDACTED}"),
        ("token: Bearer abc, x", f"token: Bearer {REDACTED}, x"),
        ("password => [1, 2] x", f"password => {REDACTED} x"),
        ("password=\\x x", f"password={REDACTED} x"),
        ("password%3Dx", f"password%3D{REDACTED}"),
        ("cookie2: a=b; c", f"cookie2: {REDACTED}"),
        ("redis://:pw@h/0", f"redis://:{REDACTED}@h/0"),
        ("https://tok-5@example.org/x", f"https://{REDACTED}@example.org/x"),
        ("HTTP://tok-5@example.org", f"HTTP://{REDACTED}@example.org"),
        ("git+https://tok@h/r.git", f"git+https://{REDACTED}@h/r.git"),
        ("token: ", "token: "),
        ("xoxb-1234567890ab", REDACTED),
        ("zk_" + "a" * 20, REDACTED),
    ],
)
def test_a_value_goes_and_its_name_stays(text: str, safe: str) -> None:
    assert PLAIN.without_secrets(text) == safe
    assert PLAIN.without_secrets(safe) == safe


def test_further_names() -> None:
    redactor = Redactor(["email", "National-Number", "token", ""])
    text = "email=ada@example.org user_email: a@b.ch emails=4 national-number='7'"
    assert redactor.text(text) == (
        f"email={REDACTED} user_email: {REDACTED} emails=4 national-number='{REDACTED}'"
    )
    assert redactor.is_secret("EMAIL")
    assert redactor.is_secret("nationalNumber")
    assert not PLAIN.is_secret("email")
    assert redactor.is_secret("access_token")
    assert not redactor.is_secret("token_type")


@pytest.mark.parametrize(
    "name",
    [
        *("pass", "db_pass", "smtpPass", "Password2", "cvc", "access_key", "signing-keys"),
        *("encryptionKey", "master_key", "AccountKey", "backup_codes", "XSRF", "secret_access_key"),
    ],
)
def test_what_is_secret_in_text_is_secret_as_a_name(name: str) -> None:
    assert PLAIN.is_secret(name)
    assert PLAIN.text(f"{name}=hunter2") == f"{name}={REDACTED}"


@pytest.mark.parametrize("name", ["__Host-sid", "__Secure-Any", "device_code", "code_verifier"])
def test_cookies_and_codes_that_browsers_and_clients_keep(name: str) -> None:
    assert PLAIN.is_secret(name)
    assert PLAIN.text(f"{name}=hunter2; b=1") == f"{name}={REDACTED}; b=1"


def test_what_is_assigned_beside_a_value_that_takes_the_rest_is_found() -> None:
    text = f"token=a password='b' {'cookie: c token=d password=e'}"
    assert PLAIN.text(text) == f"token={REDACTED} password='{REDACTED}' cookie: {REDACTED}"
    assert PLAIN.text("token=password: hunter2, b") == f"token={REDACTED} {REDACTED}, b"


def test_colours_stay_where_nothing_is_secret() -> None:
    assert PLAIN.text("\x1b[1mname\x1b[0m=ada") == r"\x1b[1mname\x1b[0m=ada"
    assert PLAIN.text("\x1b]0;token=a\x07") == rf"\x1b]0;token={REDACTED}"


@pytest.mark.parametrize(
    "name", ["root_path", "snapshotPath", "spot_price", "recv_count", "footprint", "session_id"]
)
def test_names_with_short_ones_in_them_are_none(name: str) -> None:
    assert not PLAIN.is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["otp", "TOTP", "user-otp", "otp_x", "userOtp", "otpCode", "cvv2", "card_cvc", "session"],
)
def test_short_names_are_secret(name: str) -> None:
    assert PLAIN.is_secret(name)


@pytest.mark.parametrize("name", ["bypass", "compass", "passenger", "access_key_id", "monkeys"])
def test_and_what_is_none_is_none(name: str) -> None:
    assert not PLAIN.is_secret(name)
    assert PLAIN.text(f"{name}=hunter2") == f"{name}=hunter2"


def test_what_follows_a_bracket_that_is_closed_stays() -> None:
    said = "tokens: {'a': {'b': ')'}, 'c': [1]} of (2) and token=[1 (\nline [3] stays"
    safe = f"tokens: {REDACTED} of (2) and token={REDACTED} stays"
    assert PLAIN.without_secrets(said) == safe


def test_a_cut_leaves_no_half_of_a_secret() -> None:
    secret = "zk_" + "s" * 40
    for length in range(1970, 2030):
        text = PLAIN.text("x" * length + " " + secret + " " + "y" * 5000, 1000)
        assert len(text) <= 1000
        assert "sss" not in text
    hidden = "zk_" + "q" * 30 + " "
    text = PLAIN.text(hidden * 80 + "password='" + "s" * 5000, 1500)
    assert "sss" not in text
    assert len(PLAIN.text("a" * 1500, 1000)) == 1000
    assert PLAIN.text("b" * 5000, MARGIN // 4) == "b" * (MARGIN // 4)


def test_what_does_not_print_is_written_as_an_escape() -> None:
    assert PLAIN.text("a\nb\x1b[0m\u202e\ud800\x00") == r"a\nb\x1b[0m\u202e\ud800\x00"
    assert PLAIN.text("Grüße, 世界") == "Grüße, 世界"
    assert printable("Grüße\r") == r"Grüße\r"
    assert len(PLAIN.text("\x00" * 900, 1000)) == 1000
    assert len(PLAIN.text("\x00" * 9000, 1000)) == 1000


PIECES = st.sampled_from(
    [
        *("password", "token", "=", ":", "'", '"', "\\", "[", "]", "(", ")", "{", ",", " ", "\n"),
        *(
            "Bearer ",
            "eyJhbGci.a.b",
            "Cookie",
            " 4111 1111 1111 1111 ",
            "://",
            "@",
            "?code=",
            "&",
            "x",
        ),
        *(
            "-----BEGIN PRIVATE KEY-----",
            "input_value=",
            ", input_type=",
            "Key (a)=",
            "\u0130",
            "zk_",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join), st.text())
def test_safe_text_stays_as_it_is(pieces: str, more: str) -> None:
    for text in (pieces, pieces + more, more):
        safe = PLAIN.text(text)
        assert safe.isprintable()
        assert "4111" not in safe
        if text.isprintable():  # an escape that was written is a value to a second look
            assert PLAIN.text(safe, 10**6) == safe or "[redacted]" in safe


@pytest.mark.parametrize("sign", ["", " ", "-"])
@pytest.mark.parametrize("groups", [(16,), (4, 4, 4, 4), (4, 6, 6), (13, 3), (4, 12)])
def test_cards_are_found_however_they_are_grouped(sign, groups):
    digits = iter("4111111111111111")
    parts = ["".join(next(digits) for _ in range(length)) for length in groups]
    text = f"on 2026-11-22 paid by {sign.join(parts)} in full"
    assert PLAIN.text(text) == f"on 2026-11-22 paid by {REDACTED} in full"


@pytest.mark.parametrize(
    "named",
    [
        "2463748119649dda2508a35e34774bfb",
        "905abe19e3760191f6884979864031d5",
        "6F38702AF36ECBA45773571094851110",
        "41111111-1111-1111-8a10-6f38702af36e",
        "00-d2cd1aab7ec5e82ad5d9fcc3befc746f-a54a511483019985-01",
        "fe53043720121454",
        "0" * 20 + "f" + "4111111111111111" + "e" * 91,
    ],
)
@pytest.mark.parametrize("around", ["{}", "id={}, 3 more", "urn:uuid:{}", "a\n{} 4"])
def test_ids_with_as_many_digits_as_cards_stay(named, around):
    assert PLAIN.without_secrets(around.format(named)) == around.format(named)


@pytest.mark.parametrize(
    "around",
    [
        "pan{}",
        "{}f",
        "f{}",
        "deadbeefdeadbee{}",
        "6f38702af36ecba45773571094851a{}z",
        "6f38702af36ecba45773571094851a10 {}",
        *("{}-" + f"{digit}f38702af36ecba45773571094851a10" for digit in range(10)),
    ],
)
def test_cards_beside_letters_are_replaced(around):
    assert "4111111111111111" not in PLAIN.text(around.format("4111111111111111"))


SPANS = st.binary(min_size=8, max_size=8).map(bytes.hex).filter(lambda name: not name.isdecimal())


@given(st.uuids().map(str) | st.binary(min_size=16, max_size=64).map(bytes.hex) | SPANS)
def test_no_id_is_taken_for_a_card(named):
    assert PLAIN.text(f"by {named}") == f"by {named}"
