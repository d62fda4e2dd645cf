"""One mark on a field of a table, and its column is encrypted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, Integer
from sqlmodel import Field, String

from zenith import ZenithModel
from zenith.encryption import (
    EncryptedBytes,
    EncryptedDate,
    EncryptedDecimal,
    EncryptedJSON,
    EncryptedString,
    EncryptedText,
    EncryptionService,
)
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import new_token
from zenith.kernel.sensitive import PII, SECRET, Sensitive
from zenith.query.columns import columns_of

SERVICE = EncryptionService(new_token(48))


class Kept(ZenithModel):
    __encryption__: ClassVar = SERVICE


class SealedPerson(Kept, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: Sensitive[str, PII]
    pin: Sensitive[bytes, SECRET]
    born: Sensitive[date | None, PII] = None
    debt: Sensitive[Decimal, PII] = Decimal(0)
    tags: Sensitive[list[str], PII] = Field(default_factory=list)
    age: Sensitive[Annotated[int, "years"] | None, PII] = Field(default=None, ge=0)
    ssn: Sensitive[str, PII] = Field(sa_type=EncryptedString(SERVICE))
    plain: Sensitive[int, PII] = Field(sa_column=Column(Integer(), info={"plain_text": True}))
    room: int = 4


def types() -> dict[str, Any]:
    return {column.name: type(column.type) for column in SealedPerson.__table__.c}


def test_each_sensitive_field_has_an_encrypted_column():
    found = types()
    assert found["name"] is EncryptedText
    assert found["pin"] is EncryptedBytes
    assert found["born"] is EncryptedDate
    assert found["debt"] is EncryptedDecimal
    assert found["tags"] is EncryptedJSON
    assert found["age"] is EncryptedJSON
    assert SealedPerson.__table__.c.born.nullable
    assert not SealedPerson.__table__.c.name.nullable
    assert SealedPerson.__table__.c.name.type.place == ("sealedperson", "name")


def test_what_says_how_it_is_stored_is_left_so():
    found = types()
    assert found["ssn"] is EncryptedString
    assert found["plain"] is Integer
    assert not hasattr(SealedPerson.__table__.c.room.type, "seal")


def test_an_annotated_field_may_say_it_too():
    class SealedNote(Kept, table=True):
        id: int | None = Field(default=None, primary_key=True)
        title: Annotated[
            Sensitive[str, PII],
            Field(sa_type=String, sa_column_kwargs={"info": {"plain_text": True}}),
        ]
        text: Annotated[Sensitive[str, PII], Field(max_length=9)]

    found = {column.name: type(column.type) for column in SealedNote.__table__.c}
    assert found["title"] is String
    assert found["text"] is EncryptedText


def test_a_field_that_a_table_writes_anew_stays_sensitive():
    """Forgetting the mark in a subclass opened the column, for reading and for filters."""

    class Named(Kept):
        name: Sensitive[str, PII]

    class SealedAgain(Named, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = ""

    assert type(SealedAgain.__table__.c.name.type) is EncryptedText
    assert columns_of(SealedAgain).by_name["name"].exposure == "sensitive"
    assert "Ada" not in repr(SealedAgain(name="Ada"))
    with pytest.raises(ValueError, match="no column `name`"):
        SealedAgain.order_by("name")


def test_nobody_encrypts_where_nobody_is_named():
    class OpenNote(ZenithModel, table=True):
        __encryption__: ClassVar = None
        id: int | None = Field(default=None, primary_key=True)
        text: Sensitive[str, PII]

    assert not hasattr(OpenNote.__table__.c.text.type, "seal")


@pytest.mark.parametrize("given", [{"index": True}, {"unique": True}, {"primary_key": True}])
def test_a_column_that_is_compared_refuses_to_be_encrypted(given):
    with pytest.raises(ConfigurationError, match=r"text|key"):
        type(
            f"Compared{'_'.join(given)}",
            (Kept,),
            {
                "__annotations__": {"id": int, "text": Sensitive[str, PII]},
                "__module__": __name__,
                "id": Field(primary_key=True),
                "text": Field(**given),
            },
            table=True,
        )


@pytest.mark.parametrize("kind", [datetime, UUID, str | int, object])
def test_a_type_without_an_encrypted_column_is_refused(kind):
    with pytest.raises(ConfigurationError, match="no encrypted column"):
        type(
            "Strange",
            (Kept,),
            {"__annotations__": {"text": Sensitive[kind, PII]}, "__module__": __name__},
        )
