from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError

from zenith.kernel.errors import ConfigurationError
from zenith.validation import (
    Age,
    CountryCode,
    CountryCode3,
    Currency,
    Email,
    InternationalUsername,
    Money,
    PersonName,
    PhoneNumber,
    Slug,
    StrictModel,
    Url,
    Username,
    folded,
    is_one_script,
    is_reserved,
    nfc,
    phone_number,
    skeleton,
)
from zenith.validation.canonical import is_clean, scripts
from zenith.validation.countries import ALPHA_2, ALPHA_3
from zenith.validation.money import MINOR_DIGITS

TAKEN = [
    (Username, "Ada_L", "ada_l"),
    (Username, " \uff21da\n", "ada"),
    (InternationalUsername, "\u0410\u0434\u0430", "\u0430\u0434\u0430"),
    (InternationalUsername, "\u5c71\u7530\u305f\u308d\u30fc", "\u5c71\u7530\u305f\u308d\u30fc"),
    (InternationalUsername, "\u00c4da_1", "\u00e4da_1"),
    (Slug, "Hello-World", "hello-world"),
    (PersonName, " Ada\n  Lovelace ", "Ada Lovelace"),
    (PersonName, "Zoe\u0308", "Zo\u00eb"),
    (PersonName, "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    (PersonName, "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    (Email, " Ada@Example.ORG ", "ada@example.org"),
    (Email, "Stra\u00dfe@Stra\u00dfe.example.org", "stra\u00dfe@stra\u00dfe.example.org"),
    (Url, "HTTPS://Example.org:443/a%20b?c=d#e", "https://example.org/a%20b?c=d#e"),
    (Url, "http://b\u00fccher.example", "http://xn--bcher-kva.example/"),
    (PhoneNumber, "+41 44 668 18 00", "+41446681800"),
    (phone_number("CH"), "044 668 18 00", "+41446681800"),
    (CountryCode, "che", "CH"),
    (CountryCode, " ch", "CH"),
    (CountryCode3, "ch", "CHE"),
    (Currency, "eur", "EUR"),
    (Age, 13, 13),
    (Age, "120", 120),
    (PersonName, "\u845b\U000e0100\u57ce", "\u845b\U000e0100\u57ce"),
    (PersonName, "\u1820\u180b", "\u1820\u180b"),
]
REFUSED = [
    (Username, "username", ["ab", "a" * 21, "a b", "a-b", "\u0430da", "a\u200bbc", "x" * 2000, ""]),
    (Username, "username_reserved", ["Admin", "root", "\uff41dmin"]),
    (Username, "string_type", [5, None, ["ada"]]),
    (
        InternationalUsername,
        "username",
        [
            "\u0430da",
            "12345",
            "ab",
            "\u0430\u0301\u0430b",
            "a\u0300\u0316\u0317",
            "a.b.c",
            "\ue000abc",
            *("\u3164" * 3, "\u1160\u1160\uac00", "\uac00\uac01\uac02\uffa0"),
        ],
    ),
    # All of one script, and read as `api` and `help`.
    (
        InternationalUsername,
        "username_reserved",
        ["admin", "\u0430\u0440\u0456", "\u04bb\u0435\u04cf\u0440"],
    ),
    (Slug, "slug", ["a--b", "-a", "a-", "a" * 81, "a/b", "\u00e4"]),
    (
        PersonName,
        "person_name",
        [
            "",
            " ",
            "a" * 101,
            "a\u200cb",
            "\u200c\u0645",
            "\u0645\u200d",
            "a\u202eb",
            "a\x00b",
            "\ud800",
            *("\u3164", "\u2800", "\uffa0", "a\u034fb", "a\ufe0f", "a\U000e0100", "a\u180b"),
            *("\u845b\U000e0100\U000e0101", "\u1820\ufe00"),
        ],
    ),
    (
        Email,
        "email",
        ["ada", "a@b@c.ch", "a\u202e@b.ch", "a" * 300 + "@b.ch", "a@b", "a\nb@c.ch", "@b.ch"],
    ),
    (
        Url,
        "url",
        [
            *("javascript:alert(1)", "https:example.org", "//example.org", "/a", "ftp://a.org/"),
            *("https://user:pw@example.org", "https://user@example.org", "https://a\\b.org"),
            *("https://a b.org", "https://", "https://a.org/" + "x" * 2100, "https://a\u202e.org"),
            "https://a.org/" + "\u4e2d" * 300,
            *("http:///a", "data:text/html,x", "https://[::1", "x"),
        ],
    ),
    (
        PhoneNumber,
        "phone_number",
        ["044 668 18 00", "+1", "x", "+41446681800;ext=5", "+" + "4" * 60],
    ),
    (phone_number("CH"), "phone_number", ["123", "+999 12 34 56"]),
    (CountryCode, "country_code", ["XX", "", "Switzerland", "UK"]),
    (Currency, "currency", ["ZZZ", "", "euro"]),
    (Age, "int_type", [True]),
    (Age, "greater_than_equal", [12]),
    (Age, "less_than_equal", [121]),
]


@pytest.mark.parametrize(("kind", "sent", "kept"), TAKEN)
def test_each_value_has_one_form(kind, sent, kept):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(sent) == kept
    assert adapter.validate_python(kept) == kept


@pytest.mark.parametrize(("kind", "type_", "values"), REFUSED)
def test_what_does_not_hold_is_refused_and_not_repeated(kind, type_, values):
    for value in values:
        with pytest.raises(PydanticError) as caught:
            TypeAdapter(kind).validate_python(value)
        (found,) = caught.value.errors()
        assert found["type"] == type_, value
        assert not isinstance(value, str) or len(value) < 9 or value not in found["msg"]


@pytest.mark.parametrize("kind", [Username, InternationalUsername, Slug, PersonName, Email, Url])
@given(text=st.text(max_size=30))
def test_a_form_is_reached_at_once(kind, text):
    adapter = TypeAdapter(kind)
    try:
        kept = adapter.validate_python(text)
    except PydanticError:
        return
    assert adapter.validate_python(kept) == kept
    assert kept.isprintable()


@given(st.text(st.characters(codec=None)))
def test_folding_ends(text):
    try:
        once = folded(text)
    except ValueError:
        return
    assert folded(once) == once
    assert nfc(nfc(text)) == nfc(text)


def test_what_has_no_form(monkeypatch):
    monkeypatch.setattr("zenith.validation.canonical.MAX_ROUNDS", 1)
    with pytest.raises(ValueError, match="canonical form"):
        folded("A")


def test_scripts():
    assert scripts("a\u0430_1") == {"LATIN", "CYRILLIC"}
    assert is_one_script("ada_1")
    assert not is_one_script("a\u0430")
    assert is_one_script("\u5c71\u305f\u30bf")
    assert not is_one_script("a\u5c71")
    assert is_clean("a b")
    assert not is_clean("a\ue000")


@pytest.mark.parametrize(
    "name", ["PayPal", "paypa1", "\u0440\u0430\u0443\u0440\u0430\u04cf", "\uff50aypal"]
)
def test_names_that_look_alike_have_one_skeleton(name):
    assert skeleton(name) == skeleton("paypal")


def test_skeletons_of_two_letters():
    assert skeleton("rnodern") == skeleton("modem")
    assert skeleton("ada") != skeleton("bob")
    assert is_reserved("admin")


def test_tables():
    assert len(ALPHA_3) == len(ALPHA_2) == 249
    assert all(len(two) == 2 and len(three) == 3 for two, three in ALPHA_3.items())
    assert all(len(code) == 3 for code in MINOR_DIGITS)
    assert (MINOR_DIGITS["EUR"], MINOR_DIGITS["JPY"], MINOR_DIGITS["BHD"]) == (2, 0, 3)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "phonenumbers", None)
    with pytest.raises(ConfigurationError, match=r"zenith-security\[validation\]"):
        TypeAdapter(PhoneNumber).validate_python("+41446681800")


def test_schemas_describe_what_may_be_sent():
    class All(StrictModel):
        username: Username
        email: Email
        url: Url
        phone: PhoneNumber
        country: CountryCode
        age: Age
        price: Money

    schema = All.model_json_schema()
    found = {
        name: part.get("format", part.get("type")) for name, part in schema["properties"].items()
    }
    assert found == {
        "username": "string",
        "email": "email",
        "url": "uri",
        "phone": "phone",
        "country": "string",
        "age": "integer",
        "price": None,
    }
    assert schema["additionalProperties"] is False


class TestMoney:
    def test_one_form(self):
        money = Money.model_validate({"amount": "12.5", "currency": "eur"})
        assert money.model_dump() == {"amount": "12.50", "currency": "EUR"}
        assert money == Money(amount=Decimal("12.500"), currency="EUR")
        assert hash(money) == hash(Money(amount=Decimal("12.5"), currency="EUR"))
        assert str(Money(amount=Decimal("-0"), currency="JPY")) == "0 JPY"
        assert Money.model_validate_json('{"amount": 3, "currency": "CLF"}').amount == 3
        assert Money.model_validate(money.model_dump()) == money

    @pytest.mark.parametrize(
        ("amount", "currency", "kind"),
        [
            (12.5, "EUR", "money_exact"),
            (True, "EUR", "money_exact"),
            ("1.005", "EUR", "money_digits"),
            ("1.5", "JPY", "money_digits"),
            ("1e15", "EUR", "money_limit"),
            ("1e400", "EUR", "money_limit"),
            ("1E+9999999", "EUR", "money_limit"),
            ("-1E+999999999999999999", "EUR", "money_limit"),
            ("1E-999999999999999999", "EUR", "money_limit"),
            ("1e-400", "EUR", "money_limit"),
            (10**400, "EUR", "money_limit"),
            ("9" * 41, "EUR", "money_limit"),
            ("NaN", "EUR", "finite_number"),
            ("Infinity", "EUR", "finite_number"),
            ("x", "EUR", "decimal_parsing"),
        ],
    )
    def test_what_is_no_money(self, amount, currency, kind):
        with pytest.raises(PydanticError) as caught:
            Money.model_validate({"amount": amount, "currency": currency})
        assert [found["type"] for found in caught.value.errors()] == [kind]

    def test_sums(self):
        one, two = (Money(amount=Decimal(number), currency="EUR") for number in (1, 2))
        assert one + two == Money(amount=Decimal(3), currency="EUR")
        assert two - one == one
        assert one * 2 == two
        assert -one + one == one * 0
        assert one < two
        assert one <= one * 1
        assert str(two) == "2.00 EUR"

    def test_two_currencies_do_not_add_up(self):
        one = Money(amount=Decimal(1), currency="EUR")
        other = Money(amount=Decimal(1), currency="CHF")
        for act in (lambda: one + other, lambda: one - other, lambda: one < other):
            with pytest.raises(ValueError, match="not the same money"):
                act()

    def test_it_does_not_change(self):
        money = Money(amount=Decimal(1), currency="EUR")
        with pytest.raises(PydanticError):
            money.amount = Decimal(2)
