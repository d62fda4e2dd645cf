"""Attack: with SQL alone, one row's ciphertext is copied over another's, or an old one put back.

A salary, a role or somebody else's bank account, read as one's own (ASVS 11.3.3).
"""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, MetaData, create_engine, select, text
from sqlmodel import Field, Session, SQLModel

from zenith.encryption import BlindIndex, DecryptionError, EncryptedString, EncryptionService

MASTER = "violet-Tractor-pond-ninety-0123456789-abcdef"
SERVICE = EncryptionService(MASTER)
metadata = MetaData()


class Payee(SQLModel, table=True):
    metadata = metadata
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str
    iban: str = Field(sa_column=Column(EncryptedString(SERVICE, row="id")))
    tax: str = Field(sa_column=Column(EncryptedString(SERVICE, index=BlindIndex(MASTER))))
    city: str = Field(sa_column=Column(EncryptedString(SERVICE)))


@pytest.fixture
def engine():
    made = create_engine("sqlite://", hide_parameters=True)
    metadata.create_all(made)
    with Session(made) as session:
        session.add(Payee(name="ada", iban="DE01", tax="1", city="Kiel"))
        session.add(Payee(name="eve", iban="DE02", tax="2", city="Bonn"))
        session.commit()
    yield made
    made.dispose()


def run(engine, statement: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def read(engine, name: str) -> Payee:
    with Session(engine) as session:
        return session.exec(select(Payee).where(Payee.name == name)).one()[0]


def test_a_value_that_is_bound_to_its_row_is_not_copied_to_another(engine):
    run(engine, "UPDATE payee SET iban = (SELECT iban FROM payee WHERE name = 'eve')")
    assert read(engine, "eve").iban == "DE02"
    with pytest.raises(DecryptionError):
        read(engine, "ada")


def test_a_row_that_is_copied_under_another_key_does_not_open(engine):
    copied = "INSERT INTO payee SELECT :id, 'mal', iban, tax, city FROM payee WHERE name = 'eve'"
    run(engine, copied, id=uuid4().hex)
    with pytest.raises(DecryptionError):
        read(engine, "mal")


@pytest.mark.parametrize(("target", "source"), [("tax", "city"), ("city", "tax"), ("iban", "city")])
def test_a_value_is_not_copied_to_another_column(engine, target, source):
    run(engine, f"UPDATE payee SET {target} = {source}")  # noqa: S608  # the attack's own SQL
    with pytest.raises(DecryptionError):
        read(engine, "ada")


def test_a_value_found_by_another_rows_index_does_not_open(engine):
    run(
        engine,
        "UPDATE payee SET tax = (SELECT substr(tax, 1, 22) FROM payee WHERE name = 'eve') "
        "|| substr(tax, 23) WHERE name = 'ada'",
    )
    with Session(engine) as session, pytest.raises(DecryptionError):
        session.exec(select(Payee).where(Payee.tax == "2")).all()


def test_plain_text_that_is_put_in_is_not_believed(engine):
    run(engine, "UPDATE payee SET city = 'Rome'")
    with pytest.raises(DecryptionError):
        read(engine, "ada")


def test_what_is_not_stopped_is_known(engine):
    """An older value of the same row, and a value of an unbound column from another row, open:
    docs/explanation/encryption.md says so, and what to do about it.
    """
    with engine.connect() as connection:
        old = connection.scalar(text("SELECT iban FROM payee WHERE name = 'ada'"))
    with Session(engine) as session:
        ada = session.exec(select(Payee).where(Payee.name == "ada")).one()[0]
        ada.iban = "DE99"
        session.commit()
    run(engine, "UPDATE payee SET iban = :old WHERE name = 'ada'", old=old)
    run(engine, "UPDATE payee SET city = (SELECT city FROM payee WHERE name = 'eve')")
    assert (read(engine, "ada").iban, read(engine, "ada").city) == ("DE01", "Bonn")
