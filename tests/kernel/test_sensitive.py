from __future__ import annotations

import dataclasses
import warnings
from typing import Annotated, Any, NamedTuple, TypeVar

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    computed_field,
)
from pydantic import ValidationError as PydanticError
from pydantic.alias_generators import to_camel
from pydantic.warnings import UnsupportedFieldAttributeWarning
from typing_extensions import TypeAliasType, TypedDict

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.kernel.redaction import Redactor
from zenith.kernel.sensitive import (
    PII,
    SECRET,
    Quiet,
    Sensitive,
    SensitiveMark,
    SensitiveMask,
    inventory,
    loggable,
    mark_among,
    mark_of,
    sensitive_fields,
    sensitive_names,
)

HEALTH = "health"


class Address(BaseModel):
    street: Sensitive[str, PII]
    country: str = "CH"


class Patient(BaseModel):
    name: Sensitive[str, PII]
    diagnosis: Sensitive[str | None, HEALTH] = None
    pin: Sensitive[str, SECRET] = ""
    token: Secret[str] | None = None
    room: int = 4
    address: Address | None = None
    others: list[Address] = []


@dataclasses.dataclass
class Row:
    email: Sensitive[str, PII]
    number: int = 1


ADA = Patient(name="Ada", diagnosis="flu", pin="1234", token=Secret("zk"), address={"street": "S1"})


def test_a_value_stays_what_it_is():
    assert ADA.name == "Ada"
    assert ADA.model_dump()["name"] == "Ada"
    assert ADA.token.reveal() == "zk"


def test_reprs_hide_it():
    for text in (repr(ADA), str(ADA), f"{ADA}", repr([ADA])):
        for value in ("Ada", "flu", "1234", "zk", "S1"):
            assert value not in text
    assert "room=4" in repr(ADA)


def test_what_is_secret_is_in_no_json():
    assert ADA.model_dump()["pin"] == "1234"  # for code's own use
    assert '"pin":"***"' in ADA.model_dump_json()
    assert "1234" not in ADA.model_dump_json()
    assert '"token":"***"' in ADA.model_dump_json()


def test_a_log_gets_the_rest():
    assert loggable(ADA) == {
        "name": "[redacted]",
        "diagnosis": "[redacted]",
        "pin": "[redacted]",
        "token": "[redacted]",
        "room": 4,
        "address": {"street": "[redacted]", "country": "CH"},
        "others": [],
    }
    assert loggable(Row("a@b.ch")) == {"email": "[redacted]", "number": 1}
    assert loggable({"x": [Row("a")]}) == {"x": [{"email": "[redacted]", "number": 1}]}
    assert loggable(7) == 7
    assert loggable(Row) is Row


def test_types_that_only_checkers_know_are_read_as_written():
    @dataclasses.dataclass
    class Unknown:
        name: Sensitive[Nowhere, PII]  # noqa: F821
        key: Secret[Nowhere]  # noqa: F821
        other: Nowhere  # noqa: F821

    made = Unknown("Ada", "k", "o")
    assert loggable(made) == {"name": "[redacted]", "key": "[redacted]", "other": "o"}


def test_slots_and_what_a_database_would_be_asked_for():
    @dataclasses.dataclass(slots=True)
    class Slotted:
        email: Sensitive[str, PII]
        number: int = 1

    class Lazy(BaseModel):
        number: int = 1

        def __getattribute__(self, name):
            if name == "number":
                raise RuntimeError
            return super().__getattribute__(name)

    assert loggable(Slotted("a")) == {"email": "[redacted]", "number": 1}
    assert loggable(Lazy()) == {"number": 1}


def test_what_holds_itself_ends():
    itself: list[Any] = []
    itself += [itself] * 30
    assert "<list>" in repr(loggable(itself))


def test_the_inventory():
    lines = [
        (line.model.rsplit(".", 1)[-1], line.field, line.category)
        for line in inventory([Patient, Row])
    ]
    assert lines == [
        ("Address", "street", "pii"),
        ("Patient", "diagnosis", "health"),
        ("Patient", "name", "pii"),
        ("Patient", "pin", "secret"),
        ("Patient", "token", "secret"),
        ("Row", "email", "pii"),
    ]
    kinds = {line.field: line.kind for line in inventory([Patient, Patient])}
    assert kinds["name"] == "str"
    assert kinds["diagnosis"] == "str | None"
    assert not any(line.is_shown for line in inventory([Patient]))
    assert inventory([int]) == []
    assert sensitive_names([Row]) == {"email"}


def test_names_that_fields_bear_outside_are_names_too():
    class Contact(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)
        home_phone: Sensitive[str, PII]
        street: Annotated[
            Sensitive[str, PII],
            Field(
                validation_alias=AliasChoices("strasse", AliasPath("place", "road", 0)),
                serialization_alias="rue",
            ),
        ]
        room_number: int = 4

    assert sensitive_names([Contact]) == {
        *("home_phone", "homePhone", "street", "strasse", "road", "rue"),
    }
    contact = Contact.model_validate({"homePhone": "+41 44", "strasse": "Main St"})
    redactor = Redactor(sensitive_names([Contact]))
    assert redactor.text(contact.model_dump_json(by_alias=True)) == (
        '{"homePhone":"[redacted]","rue":"[redacted]","roomNumber":4}'
    )


def test_a_mark_inside_of_a_type_is_found_and_told():
    with pytest.warns(UnsupportedFieldAttributeWarning):

        class Inside(BaseModel):
            phone: Sensitive[str, PII] | None = None

    (line,) = inventory([Inside])
    assert (line.field, line.is_shown) == ("phone", True)
    assert sensitive_fields(Inside)["phone"] == SensitiveMark(PII)
    assert loggable(Inside(phone="1")) == {"phone": "[redacted]"}


def test_stars_stand_for_a_number_too():
    class Card(BaseModel):
        pin: Sensitive[int, SECRET]

    assert Card(pin=1234).model_dump_json() == '{"pin":"***"}'
    assert Card(pin=1234).model_dump() == {"pin": 1234}


def test_marks_too_deep_are_not_looked_for():
    deep: Any = Sensitive[str, PII]
    for _ in range(12):
        deep = list[deep]
    assert mark_of(deep) is None

    @dataclasses.dataclass
    class Deep:
        value: object = None

    Deep.__annotations__["value"] = deep
    assert inventory([Deep]) == []


def test_marks_of_types():
    assert mark_of(str) is None
    assert mark_of(Annotated[str, "x"]) is None
    assert mark_of(Secret) == SensitiveMark(SECRET)
    assert mark_among([1], str) is None
    assert mark_among([SensitiveMark("a")], str) == SensitiveMark("a")


@pytest.mark.parametrize("given", [str, (str, ""), (str, 4), (str, "a", "b")])
def test_a_mark_needs_a_category(given):
    with pytest.raises(ConfigurationError, match="a type and a category"):
        Sensitive[given]


class Contact(TypedDict):
    room: int
    email: Sensitive[str, PII]


class Entry(NamedTuple):
    email: Sensitive[str, PII]
    number: int = 1


Email = TypeAliasType("Email", Sensitive[str, PII])
T = TypeVar("T")
Pair = TypeAliasType("Pair", tuple[T, Sensitive[str, PII]], type_params=(T,))


with warnings.catch_warnings():
    # Of Pydantic, for marks that are not outermost: its own repr would show such fields.
    warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)

    class Aliased(BaseModel):
        email: Email
        pair: Pair[int] = (1, "")

    class Named(BaseModel):
        first: str = "Ada"

        @computed_field
        def full(self) -> Sensitive[str, PII]:
            return f"{self.first} Lovelace"

    class Renamed(Row):
        email: str

    class Shown(Patient):
        name: str

    class Held(BaseModel):
        contact: Contact
        entries: list[Entry] = []
        number: int = 1

    class Names(Quiet, RootModel[list[Sensitive[str, PII]]]):
        pass

    class Root(RootModel[Email]):
        pass

    class Still(Quiet, BaseModel):
        phone: Sensitive[str, PII] | None = None
        room: int = 4

        @computed_field
        def line(self) -> Sensitive[str, PII]:
            return "Ada Lovelace"


def test_marks_are_found_wherever_types_put_them():
    """In aliases, computed fields, typed dictionaries and named tuples, and in bases."""
    found = {
        kind: dict.fromkeys(sensitive_fields(kind))
        for kind in (Aliased, Named, Contact, Entry, Renamed, Held, Names)
    }
    assert found == {
        Aliased: {"email": None, "pair": None},
        Named: {"full": None},
        Contact: {"email": None},
        Entry: {"email": None},
        Renamed: {"email": None},
        Held: {"contact": None, "entries": None},
        Names: {"root": None},
    }
    assert sensitive_names([Held, Named]) == {"contact", "entries", "email", "full"}
    assert {line.field for line in inventory([Shown])} >= {"name", "diagnosis"}
    assert loggable(Entry("a@b.ch")) == {"email": "[redacted]", "number": 1}
    assert loggable(Held(contact={"room": 4, "email": "a"})) == {
        "contact": "[redacted]",
        "entries": "[redacted]",
        "number": 1,
    }


def test_the_inventory_says_what_a_repr_shows():
    lines = inventory([Shown, Named, Names, Still, Row, Contact, Root])
    shown = {f"{line.model.rpartition('.')[2]}.{line.field}" for line in lines if line.is_shown}
    assert shown == {"Shown.name", "Named.full", "Row.email", "Contact.email", "Root.root"}
    assert not inventory([RootModel[str]])


def test_quiet_models_show_nothing_that_is_marked():
    assert repr(Still(phone="1")) == "Still(room=4)"
    assert repr(Names(["Ada"])) == "Names()"


def test_what_has_nothing_sensitive_is_left_alone():
    class Open(TypedDict):
        room: int

    assert mark_of(list[Open]) is None
    assert mark_of(Open) is None


def test_an_alias_of_nothing_says_nothing():
    class Lost:
        @property
        def __value__(self):
            raise NameError

    assert mark_of(Lost()) is None


def test_typed_dictionaries_of_unknown_names_are_read_as_written():
    class Unknown(TypedDict):
        name: Sensitive[Nowhere, PII]  # noqa: F821
        other: Nowhere  # noqa: F821

    assert dict.fromkeys(sensitive_fields(Unknown)) == {"name": None}


class TestSecret:
    def test_text_becomes_a_secret(self):
        adapter = TypeAdapter(Secret[str])
        secret = adapter.validate_python("abc")
        assert isinstance(secret, Secret)
        assert adapter.validate_python(secret) is secret
        assert adapter.validate_json('"abc"') == secret
        assert adapter.dump_json(secret) == b'"***"'
        assert adapter.dump_python(secret) is secret
        assert len(secret) == 3

    def test_what_is_no_text_is_told_in_one_fault(self):
        with pytest.raises(PydanticError) as caught:
            TypeAdapter(Secret[str]).validate_python(5)
        (found,) = caught.value.errors()
        assert (found["type"], found["loc"]) == ("string_type", ())

    def test_a_plain_secret_is_the_same(self):
        assert TypeAdapter(Secret).validate_python("abc").reveal() == "abc"

    def test_openapi_calls_it_a_password(self):
        schema = TypeAdapter(Secret[str]).json_schema()
        assert schema == {"type": "string", "format": "password", "writeOnly": True}


def principal(*permissions):
    return Principal(subject="s", permissions=Permissions(permissions))


class TestMask:
    def test_nobody_sees_what_is_sensitive(self):
        (shown,) = SensitiveMask().mask(principal("*"), [ADA])
        assert set(shown) == {"room", "address", "others"}

    def test_who_may_sees_all_but_what_is_secret(self):
        mask = SensitiveMask("patients:read-all")
        (shown,) = mask.mask(principal("patients:read-all"), [ADA])
        assert set(shown) == {"name", "diagnosis", "room", "address", "others"}
        assert "name" not in mask.mask(principal("patients:read"), [ADA])[0]

    def test_some_categories(self):
        (shown,) = SensitiveMask(categories=["health"]).mask(principal(), [ADA])
        assert set(shown) == {"name", "room", "address", "others"}

    async def test_a_policy_says_it_field_by_field(self):
        class Ward:
            looked = 0

            async def refresh(self):
                self.looked += 1

            def mask(self, subject, objects, action="read", context=None):
                assert (subject.subject, action, context) == ("s", "print", {"a": 1})
                return [{"name": each.name, "pin": 1, "room": 4} for each in objects]

        ward = Ward()
        mask = SensitiveMask(ward)
        await mask.refresh()
        await SensitiveMask().refresh()
        assert ward.looked == 1
        (shown,) = mask.mask(principal(), [ADA], "print", {"a": 1})
        assert set(shown) == {"name", "room", "address", "others"}

    def test_a_policy_answers_for_each_object(self):
        class Silent:
            def mask(self, subject, objects, action="read", context=None):
                return []

        with pytest.raises(ValueError, match="shorter"):
            SensitiveMask(Silent()).mask(principal(), [ADA])

    def test_rows(self):
        assert SensitiveMask().mask(principal(), [Row("a")]) == [{"number": 1}]
