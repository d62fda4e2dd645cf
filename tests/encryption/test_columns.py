from __future__ import annotations

import copy
import logging
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    column,
    create_engine,
    insert,
    inspect,
    literal_column,
    select,
    table,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, load_only, mapped_column
from sqlalchemy.schema import CreateIndex
from sqlmodel import Field, Session, SQLModel

from tests.encryption.conftest import MASTER, OTHER
from zenith.encryption import (
    BlindIndex,
    DecryptionError,
    EncryptedBytes,
    EncryptedColumnError,
    EncryptedDate,
    EncryptedDecimal,
    EncryptedJSON,
    EncryptedString,
    EncryptedText,
    EncryptionService,
    SealedValue,
)
from zenith.encryption.columns.rows import RowValue, row_name
from zenith.kernel.errors import BadRequestError, ConfigurationError, ValidationError
from zenith.query import Sessions, ZenithModel, columns_of, open_session
from zenith.stores.sql.model_database import ModelDatabase

metadata = MetaData()
FERNET = Fernet.generate_key().decode()
SERVICE = EncryptionService(MASTER, fernet_keys=[FERNET])
INDEX = BlindIndex(MASTER, normalize="digits")
SSN = "078-05-1120"


class Person(ZenithModel, table=True):
    metadata = metadata
    __filterable__: ClassVar[set[str]] = {"ssn"}
    __writable__: ClassVar[set[str]] = {"ssn", "note", "name"}
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = "anybody"
    ssn: str | None = Field(
        default=None, sa_column=Column(EncryptedString(SERVICE, index=INDEX), nullable=True)
    )
    note: str | None = Field(default=None, sa_column=Column(EncryptedText(SERVICE, row="id")))
    facts: Any = Field(default=None, sa_column=Column(EncryptedJSON(SERVICE)))
    photo: bytes | None = Field(default=None, sa_column=Column(EncryptedBytes(SERVICE)))
    born: date | None = Field(default=None, sa_column=Column(EncryptedDate(SERVICE)))
    pay: Decimal | None = Field(default=None, sa_column=Column(EncryptedDecimal(SERVICE)))
    badge: bytes | None = Field(default=None, sa_column=Column(EncryptedBytes(SERVICE, row="id")))


people: Any = Person.__table__
FULL = {
    "ssn": SSN,
    "note": "likes tea",
    "facts": {"a": [1, None, "ü"]},
    "photo": b"\x00\xff",
    "born": date(1999, 12, 31),
    "pay": Decimal("1234.50"),
    "badge": b"b",
}


@pytest.fixture
def engine():
    made = create_engine("sqlite://", hide_parameters=True)
    metadata.create_all(made)
    yield made
    made.dispose()


async def on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request, tmp_path) -> AsyncIterator[Sessions]:
    if request.param == "sqlite":
        async with ModelDatabase(f"sqlite:///{tmp_path}/models.db", metadata=metadata) as opened:
            await opened.create_tables()
            yield opened
        return
    server = request.getfixturevalue("services").shared("postgres")["url"]
    name = f"encryption_{secrets.token_hex(6)}"
    await on_server(server, f"CREATE DATABASE {name} TEMPLATE template0")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    async with ModelDatabase(url, metadata=metadata) as opened:
        await opened.create_tables()
        yield opened
    await on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def kept(engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.scalar(select(literal_column(name)).select_from(text("person")))


def put(engine, name: str, value: Any) -> None:
    with engine.begin() as connection:
        connection.execute(table("person", column(name)).update().values({name: value}))


def add(engine, **values: Any) -> UUID:
    with Session(engine) as session:
        person = Person(**values)
        session.add(person)
        session.commit()
        return person.id


def test_values_come_back_and_are_not_in_the_database(engine):
    key = add(engine, **FULL)
    with Session(engine) as session:
        person = session.get_one(Person, key)
        assert {name: getattr(person, name) for name in FULL} == FULL
        assert str(person.pay) == "1234.50"
    for name, value in FULL.items():
        stored = kept(engine, name)
        assert isinstance(stored, bytes if name in {"photo", "badge"} else str)
        assert str(value) not in str(stored)
    assert kept(engine, "ssn")[22:26] == kept(engine, "note")[:4] == "ze1."


def test_null_stays_null_and_empty_is_encrypted(engine):
    key = add(engine, photo=b"", note="")
    with Session(engine) as session:
        person = session.get_one(Person, key)
        assert (person.ssn, person.facts, person.born) == (None, None, None)
        assert (person.photo, person.note) == (b"", "")
        assert session.exec(select(Person).where(Person.ssn == None)).one()[0] is person  # noqa: E711
        assert session.exec(select(Person).where(Person.photo != None)).one()  # noqa: E711
        person.note = None
        session.commit()
    assert kept(engine, "ssn") is kept(engine, "note") is None
    assert len(kept(engine, "photo")) == 41


@pytest.mark.parametrize("method", ["where", "in", "reversed"])
def test_equality_is_asked_of_the_index(engine, method):
    add(engine, ssn=SSN)
    add(engine, ssn="1")
    condition = {
        "where": Person.ssn == "078 05 1120",
        "in": Person.ssn.in_(["078051120", "5"]),  # type: ignore[union-attr]
        "reversed": "078051120" == Person.ssn,  # noqa: SIM300
    }[method]
    with Session(engine) as session:
        assert session.exec(select(Person).where(condition)).one()[0].ssn == SSN
        assert session.exec(select(Person).where(~condition)).one()[0].ssn == "1"


def test_differences_and_lists_are_asked_of_the_index(engine):
    add(engine, ssn=SSN)
    add(engine, ssn="1")
    with Session(engine) as session:
        for condition in (Person.ssn != SSN, Person.ssn.not_in([SSN])):  # type: ignore[union-attr]
            assert session.exec(select(Person).where(condition)).one()[0].ssn == "1"


def test_the_database_has_an_index_for_it(engine):
    name = "ix_person_ssn_blind"
    with engine.connect() as connection:
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN " + str(select(Person).where(Person.ssn == "1"))),
            {"substr_1": "x"},
        ).all()
    assert name in str(plan)
    index = next(each for each in people.indexes if each.name == name)
    statement = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    assert statement == f"CREATE INDEX {name} ON person (substr(ssn, 1, 22))"


@pytest.mark.parametrize(
    "condition",
    [
        lambda: Person.note == "x",
        lambda: Person.born == date(2000, 1, 1),
        lambda: Person.note.in_(["x"]),  # type: ignore[union-attr]
        lambda: Person.ssn < "1",
        lambda: Person.ssn.like("0%"),  # type: ignore[union-attr]
        Person.ssn.desc,  # type: ignore[union-attr]
        lambda: Person.ssn + "x",
        lambda: "x" + people.c.ssn,
        lambda: Person.ssn == Person.name,
        lambda: Person.ssn == 78051120,
        lambda: Person.ssn.in_(select(Person.name)),  # type: ignore[union-attr]
        lambda: Person.ssn == "1" * 5000,
    ],
)
def test_what_the_database_cannot_answer_is_refused(condition):
    with pytest.raises(EncryptedColumnError):
        condition()


async def test_models_are_asked_by_name(database):
    async with database.open():
        await Person.create(ssn=SSN)
        await Person.create(ssn="1")
        assert (await Person.where(ssn="078051120").one()).ssn == SSN
        assert (await Person.where(ssn__in=["1", "2"]).one()).ssn == "1"
        assert (await Person.where(ssn__ne="1").one()).ssn == SSN
        assert await Person.where(ssn__is_null=True).count() == 0
        assert (await Person.from_client({"ssn": "1"}).one()).ssn == "1"
        assert await Person.where(ssn="1").update(ssn="2") == 1
        assert await Person.where(ssn="2").exists()
        for wrong in ({"ssn__gt": "1"}, {"ssn__contains": "1"}, {"note": "x"}, {"ssn": 1}):
            with pytest.raises(ValueError, match=r"`(ssn|note)`"):
                Person.where(**wrong)
        for name in ("ssn", "-note"):
            with pytest.raises(ValueError, match="no order"):
                Person.order_by(name)


async def test_a_value_that_a_column_cannot_take_is_the_clients_mistake(database):
    """It was answered with 500."""
    for given in ("no digit", "1" * 5000):
        async with database.open() as session:
            with pytest.raises(BadRequestError) as caught:
                await Person.create(ssn=given)
            await session.rollback()
        assert isinstance(caught.value, EncryptedColumnError)
        assert "person" not in caught.value.detail
        assert "person.ssn" in str(caught.value)
        with pytest.raises(BadRequestError, match="`ssn`") as refused:
            Person.where(ssn=given)
        assert "person" not in str(refused.value) + refused.value.detail
        with pytest.raises(ValidationError):
            Person.from_client({"ssn": given})
        with pytest.raises(BadRequestError):
            _ = Person.ssn == given
    with pytest.raises(EncryptedColumnError) as mistake:
        people.c.facts.type.process_bind_param(object(), None)
    assert not isinstance(mistake.value, BadRequestError)


async def test_rows_are_written_and_read_on_the_event_loop(database):
    async with database.open():
        person = await Person.create(note="tea")
        assert person.note == "tea"
        await person.update(note="coffee")
    async with database.open():
        assert (await Person.where(id=person.id).one()).note == "coffee"
        with pytest.raises(EncryptedColumnError, match="ORM"):
            await Person.where(id=person.id).update(note="x")


def test_an_index_can_refuse_the_same_value_twice(engine):
    class Account(SQLModel, table=True):
        metadata = MetaData()
        id: int | None = Field(default=None, primary_key=True)
        email: str = Field(
            sa_column=Column(
                EncryptedString(
                    SERVICE, index=BlindIndex(MASTER, normalize="caseless", unique=True)
                )
            )
        )

    Account.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Account(email="Ada@example.org"))
        session.commit()
        session.add(Account(email="ada@EXAMPLE.org"))
        with pytest.raises(IntegrityError) as caught:
            session.commit()
    assert "ada@" not in str(caught.value).lower()


def typed(**options: Any) -> Table:
    service = options.pop("service", SERVICE)
    return Table(
        options.pop("table", "person"),
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column(options.pop("name", "ssn"), EncryptedString(service, **options)),
    )


def test_indexes_rotate(engine):
    add(engine, ssn=SSN)
    new = typed(index=BlindIndex(OTHER, also=[MASTER], normalize="digits"))
    with engine.connect() as connection:
        found = connection.execute(select(new.c.ssn).where(new.c.ssn == SSN)).one()
        assert found.ssn == SSN
        alone = typed(index=BlindIndex(OTHER, normalize="digits"))
        assert connection.execute(select(alone.c.ssn).where(alone.c.ssn == SSN)).all() == []
    kind, stored = new.c.ssn.type, kept(engine, "ssn")
    assert isinstance(kind, EncryptedString)
    assert not kind.is_current(stored, SSN)
    assert kind.is_current(kind.seal(SSN), SSN)
    assert kind.is_current(kind.seal(SSN))
    bare = typed().c.ssn.type
    assert not bare.is_current(stored), "the tag of an index that is gone stays"
    assert bare.is_current(bare.renewed(stored))


def test_stored_values_are_renewed_where_they_are_of_old():
    old = typed(service=EncryptionService(OTHER)).c.ssn.type
    newer = EncryptionService(MASTER, previous=[OTHER])
    bare = typed(service=newer).c.ssn.type
    indexed = typed(service=newer, index=INDEX).c.ssn.type
    bound = typed(service=newer, row="id").c.ssn.type
    stored = old.seal(SSN)
    renewed = bare.renewed(stored)
    assert typed(service=EncryptionService(MASTER)).c.ssn.type.open(renewed) == SSN
    assert bare.renewed(renewed) is None
    found = indexed.renewed(renewed)
    assert found.startswith(INDEX.tag(SSN, indexed.context()))
    assert indexed.renewed(found) is None
    assert bound.renewed(bound.seal("x", "int:5"), 5) is None
    with pytest.raises(DecryptionError):
        bound.renewed(bound.seal("x", "int:5"), 6)
    photo = people.c.photo.type
    assert photo.renewed(photo.seal(b"x")) is None


def test_a_column_without_its_index_still_reads(engine):
    add(engine, ssn=SSN)
    with engine.connect() as connection:
        assert connection.scalar(select(typed().c.ssn)) == SSN


def test_values_of_former_names_and_services_are_read(engine):
    add(engine, ssn=SSN)
    renamed = typed(table="client", place=("person", "ssn"))
    assert renamed.c.ssn.type.open(kept(engine, "ssn")) == SSN
    put(engine, "ssn", Fernet(FERNET).encrypt(b"old").decode())
    with engine.connect() as connection:
        assert connection.scalar(select(Person.ssn)) == "old"
    assert not people.c.ssn.type.is_current(kept(engine, "ssn"), "old")


def test_statements_change_what_a_session_holds(engine):
    """SQLAlchemy finds the changed column among its own by `==`."""
    with Session(engine) as session:
        person = Person(ssn=SSN, pay=Decimal(1), photo=b"a")
        session.add(person)
        session.commit()
        assert person.ssn == SSN
        session.exec(update(Person).values(ssn="1", pay=Decimal(2), photo=None))
        assert (person.ssn, person.pay, person.photo) == ("1", Decimal(2), None)
        session.commit()
        assert (person.ssn, person.pay, person.photo) == ("1", Decimal(2), None)
    assert str(people.c.ssn != people.c.ssn) == "person.ssn != person.ssn"


def test_one_type_serves_several_columns(engine):
    kind = EncryptedString(SERVICE)
    pair = Table(
        "pair",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("a", kind),
        Column("b", kind),
    )
    pair.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(pair), [{"a": "1", "b": "2"}, {"a": "3", "b": None}])
        connection.execute(update(pair).where(pair.c.id == 2).values(b="4"))
        assert connection.execute(select(pair.c.a, pair.c.b)).all() == [("1", "2"), ("3", "4")]
        swapped = select(type_coerce(pair.c.a, pair.c.b.type))
        with pytest.raises(DecryptionError):
            connection.execute(swapped).all()
    assert kind.place is None


def test_a_type_of_no_column_encrypts_nothing():
    with pytest.raises(EncryptedColumnError, match="no column"):
        EncryptedString(SERVICE).seal("x")
    column = Column("ssn", EncryptedString(SERVICE))
    with pytest.raises(EncryptedColumnError, match="no column"):
        column.type.process_bind_param("x", None)


def test_copies_of_tables_keep_their_place(engine):
    copied = people.to_metadata(MetaData())
    assert copied.c.ssn.type.place == ("person", "ssn")
    assert [index.name for index in copied.indexes] == ["ix_person_ssn_blind"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssn", 78051120),
        ("ssn", "secret\ud800"),
        ("ssn", "1" * 5000),
        ("ssn", "secret"),
        ("note", b"secret"),
        ("facts", {"secret": object()}),
        ("facts", float("nan")),
        ("photo", "secret"),
        ("born", datetime(2000, 1, 1, tzinfo=UTC)),
        ("born", "secret"),
        ("pay", Decimal("NaN")),
        ("pay", True),
        ("pay", 1.5),
        ("pay", Decimal("1" * 1001)),
    ],
)
def test_values_of_another_kind_are_refused_and_not_shown(engine, name, value):
    with Session(engine) as session:
        session.add(Person(**{name: value}))
        with pytest.raises(EncryptedColumnError) as caught:
            session.flush()
    assert "secret" not in str(caught.value)
    assert f"person.{name}" in str(caught.value)


def test_echoes_and_errors_show_no_values(engine, caplog):
    engine.echo = False
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"):
        loud = create_engine("sqlite://", echo=False)
        logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
        metadata.create_all(loud)
        key = add(loud, **FULL)
        with Session(loud) as session:
            list(session.exec(select(Person).where(Person.ssn == SSN)))
            session.add(Person(id=key, ssn=SSN))
            with pytest.raises(IntegrityError) as caught:
                session.flush()
        loud.dispose()
    shown = caplog.text + str(caught.value)
    assert "INSERT INTO person" in shown
    for value in (SSN, "078051120", "likes tea", "1999-12-31", "1234.50"):
        assert value not in shown


def test_statements_with_their_values_in_place_show_none():
    statement = insert(people).values(ssn=SSN, name="Ada").inline()
    shown = str(statement.compile(compile_kwargs={"literal_binds": True}))
    assert "Ada" in shown
    assert "ze1." in shown
    assert SSN not in shown


def test_damaged_dates_and_decimals_do_not_open():
    for name, damaged in (("born", b"2000-13-01"), ("pay", b"12x"), ("born", b"\xff")):
        kind = people.c[name].type
        stored = SERVICE.seal_text(damaged, kind.context())
        with pytest.raises(DecryptionError):
            kind.open(stored)


@pytest.mark.parametrize("value", [5, 1.5, b"ze1."])
def test_what_is_of_another_type_does_not_open(engine, value):
    add(engine, ssn="1", photo=b"x")
    put(engine, "born", value)
    with Session(engine) as session, pytest.raises(DecryptionError):
        session.exec(select(Person.born)).all()
    for other in ("text", 10**12):
        with pytest.raises(DecryptionError):
            people.c.photo.type.open(other)


def test_keys_are_not_encrypted_and_only_texts_have_an_index():
    with pytest.raises(ConfigurationError, match="key"):
        Table("t", MetaData(), Column("id", EncryptedString(SERVICE), primary_key=True))
    with pytest.raises(ConfigurationError, match="texts"):
        EncryptedDate(SERVICE, index=INDEX)


def test_types_tell_what_they_are_and_no_keys():
    kind = people.c.ssn.type
    assert repr(kind) == "EncryptedString()"
    assert kind.python_type is str
    assert kind.compared_as is not None
    assert people.c.note.type.compared_as is None
    assert columns_of(Person).by_name["note"].kind is None
    assert "secret" not in repr(RowValue("secret", "1")) + repr(SealedValue("secret", str))


# Rows --------------------------------------------------------------------------------------------


def test_a_value_is_bound_to_its_row(engine):
    one, two = add(engine, note="one"), add(engine, note="two")
    with Session(engine) as session:
        notes = session.exec(select(Person.id, Person.note)).all()
        sealed = {row.id: row.note for row in notes}
        assert sealed[one].open(one) == "one"
        with pytest.raises(DecryptionError):
            sealed[one].open(two)
        person = session.get_one(Person, two)
        person.note = "three"
        session.commit()
        session.refresh(person)
        assert person.note == "three"
        person.name = "somebody"
        session.commit()
        assert person.note == "three"


def test_the_rows_key_does_not_change_under_its_values(engine):
    key = add(engine, note="one")
    with Session(engine) as session:
        person = session.get_one(Person, key)
        person.id = uuid4()
        with pytest.raises(EncryptedColumnError, match="anew"):
            session.flush()
        session.rollback()
        person = session.get_one(Person, key)
        person.id, person.note, person.badge = uuid4(), "two", None
        session.commit()
        session.refresh(person)
        assert person.note == "two"


def test_a_failed_flush_leaves_values_as_they_were(engine):
    key = add(engine, note="one")
    with Session(engine) as session:
        person = Person(id=key, note="two")
        session.add(person)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        assert person.note == "two"
        assert "zenith.encryption.pending" not in session.info


def test_a_change_that_fails_with_others_is_undone(engine):
    key = add(engine, note="one")
    with Session(engine) as session:
        person = session.get_one(Person, key)
        person.note = "two"
        taken = add(engine, note="other")
        session.add(Person(id=taken, note="three"))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        assert person.note == "one"


def test_a_row_needs_a_key_before_it_is_written(engine):
    class Numbered(SQLModel, table=True):
        metadata = MetaData()
        id: int | None = Field(default=None, primary_key=True)
        note: str = Field(sa_column=Column(EncryptedString(SERVICE, row="id")))

    Numbered.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Numbered(note="x"))
        with pytest.raises(EncryptedColumnError, match="UUID"):
            session.flush()
        session.rollback()
        session.add(Numbered(id=5, note="x"))
        session.commit()
    with Session(engine) as session:
        assert session.get_one(Numbered, 5).note == "x"


def test_a_key_of_another_type_is_refused_before_it_makes_a_value_unreadable(engine):
    class Keyed(SQLModel, table=True):
        metadata = MetaData()
        id: int = Field(primary_key=True)
        note: str = Field(sa_column=Column(EncryptedString(SERVICE, row="id")))

    Keyed.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Keyed(id="5", note="x"))
        with pytest.raises(EncryptedColumnError, match="`id` is no int"):
            session.flush()


def test_another_attribute_than_the_primary_key_binds(engine):
    class Owned(SQLModel, table=True):
        metadata = MetaData()
        id: int | None = Field(default=None, primary_key=True)
        owner: str
        note: str = Field(sa_column=Column(EncryptedString(SERVICE, row="owner")))

    Owned.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Owned(owner="ada", note="x"))
        session.commit()
        owned = session.exec(select(Owned)).one()[0]
        session.expire(owned)
        owned.owner = "eve"
        with pytest.raises(EncryptedColumnError, match="anew"):
            session.flush()


def test_rows_of_a_model_that_inherits_are_bound_too(engine):
    class Base(DeclarativeBase):
        pass

    class Asset(Base):
        __tablename__ = "asset"
        __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "asset"}
        id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
        kind: Mapped[str]
        note: Mapped[str] = mapped_column(EncryptedString(SERVICE, row="id"))

    class House(Asset):
        __mapper_args__: ClassVar = {"polymorphic_identity": "house"}

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(House(id=uuid4(), note="x"))
        session.commit()
        session.expunge_all()
        found = session.execute(select(Asset)).scalar_one()
        assert (type(found), found.note) == (House, "x")


def test_services_and_indexes_are_shared_by_copies():
    assert copy.deepcopy(SERVICE) is SERVICE
    assert copy.deepcopy(INDEX) is INDEX


def test_long_names_have_indexes_of_their_own():
    name = "a" * 60
    kinds = [EncryptedString(SERVICE, index=INDEX) for _ in "bc"]
    columns = [Column(name + each, kind) for each, kind in zip("bc", kinds, strict=True)]
    long = Table("t", MetaData(), Column("id", Integer, primary_key=True), *columns)
    names = {str(index.name) for index in long.indexes}
    assert len(names) == 2
    assert all(len(each) <= 63 for each in names)


def test_the_attribute_of_the_key_must_be_there(engine):
    class Wrong(SQLModel, table=True):
        metadata = MetaData()
        id: int = Field(primary_key=True)
        note: str = Field(sa_column=Column(EncryptedString(SERVICE, row="nothing")))

    with Session(engine) as session:
        session.add(Wrong(id=1, note="x"))
        with pytest.raises(ConfigurationError, match="nothing"):
            session.flush()


def test_a_row_that_is_loaded_without_its_key_does_not_open(engine):
    class ByName(SQLModel, table=True):
        metadata = MetaData()
        id: int = Field(primary_key=True)
        name: str
        note: str = Field(sa_column=Column(EncryptedString(SERVICE, row="name")))

    ByName.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(ByName(id=1, name="ada", note="x"))
        session.commit()
        session.expunge_all()
        assert session.exec(select(ByName)).one()[0].note == "x"
        session.expunge_all()
        with pytest.raises(DecryptionError):
            session.exec(select(ByName).options(load_only(ByName.note))).one()  # type: ignore[arg-type]


def test_names_of_rows_are_apart():
    key = uuid4()
    names = {row_name(each) for each in (1, "1", b"1", key, str(key), key.hex)}
    assert len(names) == 6
    for none in (None, True, 1.5, ()):
        with pytest.raises(EncryptedColumnError):
            row_name(none)


def test_indexes_of_others_stay_as_they_are():
    plain = Table("plain", MetaData(), Column("id", Integer, primary_key=True))
    Index("own", plain.c.id)
    Index("other", plain.c.id)
    assert len(plain.indexes) == 2


async def test_a_session_of_its_own_opens_rows(database):
    async with database.open():
        person = await Person.create(note="tea " + secrets.token_hex(4))
        async with open_session() as session:
            assert (await session.exec(select(Person))).all() == []
        assert inspect(person).persistent
