"""Attack: a query that takes what is encrypted for the value, and is wrong without a word.

"No such row" from a list of what is blocked, a greatest date that is anybody's, a constraint that
never holds, or a plain text in the database, written by SQL (ASVS 11.3.2). Whatever the database
cannot answer is refused, whoever asks: a session, a connection or a model.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    cast,
    create_engine,
    delete,
    desc,
    distinct,
    except_,
    exists,
    extract,
    func,
    insert,
    literal,
    null,
    nulls_last,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    defer,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    with_polymorphic,
)

from tests.encryption.conftest import MASTER
from zenith.encryption import (
    BlindIndex,
    EncryptedColumnError,
    EncryptedDate,
    EncryptedString,
    EncryptionService,
)
from zenith.encryption.columns.statements import check
from zenith.kernel.errors import ConfigurationError

SERVICE = EncryptionService(MASTER)
INDEX = BlindIndex(MASTER)


class Base(DeclarativeBase):
    pass


class Keeper(Base):
    __tablename__ = "keeper"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("full_name", EncryptedString(SERVICE, index=INDEX))
    animals: Mapped[list[Animal]] = relationship(back_populates="keeper")


class Animal(Base):
    __tablename__ = "animal"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    nick: Mapped[str | None]
    name: Mapped[str | None] = mapped_column(EncryptedString(SERVICE, index=INDEX))
    twin: Mapped[str | None] = mapped_column(EncryptedString(SERVICE, index=INDEX))
    born: Mapped[date | None] = mapped_column(EncryptedDate(SERVICE))
    note: Mapped[str | None] = mapped_column(EncryptedString(SERVICE, row="id"))
    keeper_id: Mapped[int | None] = mapped_column(ForeignKey("keeper.id"))
    keeper: Mapped[Keeper | None] = relationship(back_populates="animals")


class Dog(Animal):
    __tablename__ = "dog"
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    chip: Mapped[str | None] = mapped_column(EncryptedString(SERVICE, row="id"))


Other = aliased(Animal)
animals: Any = Animal.__table__
kind: Any = animals.c.name.type


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://")
    Base.metadata.create_all(made)
    with Session(made) as session:
        keeper = Keeper(id=1, name="ada")
        session.add(Dog(id=1, name="x", nick="x", note="n", chip="c", keeper=keeper))
        session.add(Animal(id=2, name="x", nick="b", twin="b", born=date(2001, 1, 1), note="m"))
        session.add(Animal(id=3, name="c", nick="x", twin="x", keeper=keeper))
        session.commit()
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


READS: dict[str, Any] = {
    "function": lambda: select(Animal.id).where(func.lower(Animal.name) == "x"),
    "function of another type": lambda: select(Animal.id).where(func.length(Animal.name) > 5),
    "selected function": lambda: select(func.upper(Animal.name)),
    "greatest": lambda: select(func.max(Animal.born)),
    "aggregate": lambda: select(func.group_concat(Animal.name)),
    "having": lambda: (
        select(Animal.nick).group_by(Animal.nick).having(func.min(Animal.name) == "x")
    ),
    "tuple": lambda: select(Animal.id).where(tuple_(Animal.name, Animal.id).in_([("x", 1)])),
    "literal first": lambda: select(Animal.id).where(literal("x") == Animal.name),
    "literal in": lambda: select(Animal.id).where(literal("x").in_([Animal.name])),
    "literal between": lambda: select(Animal.id).where(literal("x").between("a", Animal.name)),
    "plain column first": lambda: select(Animal.id).where(Animal.nick == Animal.name),
    "plain column among": lambda: select(Animal.id).where(Animal.nick.in_(select(Other.name))),
    "bare columns": lambda: select(animals.c.id).where(animals.c.name == animals.c.twin),
    "parameter": lambda: select(animals.c.id).where(animals.c.name == bindparam("x", "x")),
    "join": lambda: select(Animal.id).join(Keeper, Keeper.__table__.c.full_name == animals.c.name),
    "truth": lambda: select(Animal.id).where(animals.c.name),
    "truth with others": lambda: select(Animal.id).where(or_(animals.c.name, Animal.id == 1)),
    "cast": lambda: select(Animal.id).where(cast(Animal.name, String) == "x"),
    "selected cast": lambda: select(cast(Animal.name, String)),
    "case of values": lambda: select(case({"x": "yes"}, value=Animal.name, else_="no")),
    "case with text": lambda: select(case((Animal.id == 1, Animal.name), else_="***")),
    "case of two columns": lambda: select(case((Animal.id == 1, Animal.name), else_=Animal.twin)),
    "coalesce": lambda: select(func.coalesce(Animal.name, "x")),
    "coalesce of two columns": lambda: select(func.coalesce(Animal.twin, Animal.name)),
    "part of a date": lambda: select(extract("year", Animal.born)),
    "order": lambda: select(Animal.id).order_by(Animal.name),
    "order last": lambda: select(Animal.id).order_by(Animal.nick, animals.c.name),
    "order by name": lambda: select(Animal.id, Animal.name).order_by("name"),
    "order by column's name": lambda: select(Keeper.id).order_by("full_name"),
    "order by label": lambda: select(Animal.id, Animal.name.label("l")).order_by(desc("l")),
    "order of a union": lambda: union_all(
        select(Animal.id, Animal.name), select(Other.id, Other.name)
    ).order_by("name"),
    "group": lambda: select(Animal.name, func.count()).group_by(Animal.name),
    "group by name": lambda: select(Animal.name, func.count()).group_by("name"),
    "distinct": lambda: select(Animal.name).distinct(),
    "distinct beside others": lambda: select(Animal.nick, Animal.name).distinct(),
    "distinct without all keys": lambda: select(Animal.id, Keeper.name).join(Keeper).distinct(),
    "distinct choice": lambda: select(
        Animal.id, case((Animal.id == 1, Animal.name), else_=None)
    ).distinct(),
    "union": lambda: union(select(Animal.name), select(Other.name)),
    "union of two columns": lambda: union_all(select(Animal.name), select(Animal.twin)),
    "union behind a text": lambda: union_all(select(Animal.nick), select(Animal.name)),
    "except": lambda: except_(select(Animal.name), select(Other.name)),
    "window": lambda: select(func.row_number().over(partition_by=Animal.name)),
    "window in order": lambda: select(func.count().over(order_by=Animal.name)),
    "within a subquery": lambda: select(
        select(Animal.id, func.lower(Animal.name).label("l")).subquery().c.l
    ),
    "of a subquery": lambda: select(func.lower(select(Animal.name).subquery().c.name)),
    "of a common table": lambda: select(func.lower(select(Animal.name).cte().c.name)),
    "of a scalar": lambda: select(func.lower(select(Animal.name).limit(1).scalar_subquery())),
    "returned": lambda: update(Animal).values(nick="y").returning(func.lower(Animal.name)),
    "deleted": lambda: delete(Animal).where(func.lower(Animal.name) == "x"),
    "changed": lambda: update(Animal).where(func.lower(Animal.name) == "x").values(nick="y"),
}


@pytest.mark.parametrize("name", READS)
def test_what_cannot_be_answered_is_refused(session: Session, name: str) -> None:
    for _ in range(2):  # the second time it is compiled already
        with pytest.raises(EncryptedColumnError, match=r"(animal|keeper)\.(full_)?name|animal\."):
            session.execute(READS[name]())
    with session.connection() as connection, pytest.raises(EncryptedColumnError):
        connection.execute(READS[name]())


@pytest.mark.parametrize(
    "condition",
    [
        lambda: nulls_last(Animal.name),
        lambda: Animal.name.like("x%"),
        lambda: Animal.name + "",
        lambda: Animal.name.between("a", "z"),
        lambda: Animal.name.is_distinct_from("x"),
        lambda: Animal.name.op("=")("x"),
        lambda: Animal.name.in_(select(Other.name)),
        lambda: Animal.name == Other.name,
        lambda: distinct(Animal.name),
        lambda: Animal.name == "x" * 5000,
        lambda: Animal.note == "x",
        lambda: Animal.born == date(2001, 1, 1),
    ],
)
def test_a_refusal_names_the_column(session: Session, condition: Any) -> None:
    with pytest.raises(EncryptedColumnError, match=r"animal\."):
        session.execute(select(Animal.id).order_by(condition()))


WRITES: dict[str, Any] = {
    "literal": lambda: update(Animal).values(name=literal("plain")),
    "text": lambda: update(Animal).values(name=text("'plain'")),
    "function": lambda: update(Animal).values(name=func.upper(Animal.name)),
    "plain column": lambda: update(Animal).values(name=Animal.nick),
    "by its name": lambda: update(animals).values({"name": literal("plain")}),
    "another column": lambda: update(Animal).values(name=Animal.twin),
    "subquery": lambda: update(Animal).values(name=select(Other.nick).limit(1).scalar_subquery()),
    "choice": lambda: update(Animal).values(name=case((Animal.id == 1, "new"), else_=Animal.name)),
    "coalesce": lambda: update(Animal).values(name=func.coalesce(Animal.name, "new")),
    "into a plain column": lambda: update(Animal).values(nick=Animal.name),
    "inserted": lambda: insert(Animal).values(id=9, kind="animal", name=literal("plain")),
    "inserted among many": lambda: insert(animals).values(
        [{"id": 9, "kind": "animal", "name": literal("plain")}]
    ),
    "copied": lambda: insert(Animal).from_select(
        ["id", "kind", "name"], select(Animal.id + 9, Animal.kind, Animal.nick)
    ),
    "copied from another column": lambda: insert(Animal).from_select(
        ["id", "kind", "name"], select(Animal.id + 9, Animal.kind, Animal.twin)
    ),
    "copied into a plain column": lambda: insert(Animal).from_select(
        ["id", "kind", "nick"], select(Animal.id + 9, Animal.kind, Animal.name)
    ),
    "copied to another row": lambda: insert(Animal).from_select(
        ["id", "kind", "note"], select(Animal.id + 9, Animal.kind, Animal.note)
    ),
    "copied to another row by an alias": lambda: insert(Animal).from_select(
        ["id", "kind", "note"], select(Other.id + 9, Other.kind, Other.note)
    ),
    "taken from another row": lambda: update(Animal).values(
        note=select(Other.note).where(Other.id == 2).scalar_subquery()
    ),
    "taken from another row by an alias": lambda: (
        update(Animal).values(note=Other.note).where(Other.id == Animal.id + 1)
    ),
    "at a conflict": lambda: (
        sqlite.insert(animals)
        .values(id=1, kind="dog")
        .on_conflict_do_update(index_elements=["id"], set_={"name": literal("plain")})
    ),
    "at a conflict from another column": lambda: (
        fresh := sqlite.insert(animals).values(id=1, kind="dog", twin="t")
    ).on_conflict_do_update(index_elements=["id"], set_={"name": fresh.excluded.twin}),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_would_be_stored_as_it_is_is_refused(session: Session, name: str) -> None:
    with pytest.raises(EncryptedColumnError, match=r"animal\.(name|twin|note)"):
        session.execute(WRITES[name]())


def test_an_attribute_takes_no_sql(session: Session) -> None:
    for given in (literal("plain"), func.upper("plain"), Animal.nick):
        animal = session.get_one(Animal, 2)
        animal.name = given
        with pytest.raises(EncryptedColumnError, match=r"animal\.name"):
            session.flush()
        session.rollback()
        session.add(Animal(id=9, name=given))
        with pytest.raises(EncryptedColumnError, match=r"animal\.name"):
            session.flush()
        session.rollback()


def test_what_is_told_apart_by_its_key_may_be_distinct(session: Session) -> None:
    both = with_polymorphic(Animal, [Dog])
    for statement, count in (
        (select(Animal).distinct(), 3),
        (select(Other).distinct(), 3),
        (select(both).distinct(), 3),
        (select(Dog).join(Keeper).distinct(), 1),
        (select(Animal.id, Animal.name.label("l")).distinct(), 3),
        (union(select(Animal.id, Animal.name), select(Other.id, Other.name)), 3),
        (select(func.count()).select_from(select(Animal).distinct().subquery()), 1),
        (select(Animal.nick).distinct(), 2),
    ):
        assert len(session.execute(statement).all()) == count
    assert session.query(Animal).distinct().count() == 3
    assert session.query(Animal).union(session.query(Animal)).count() == 3


def test_what_the_database_can_answer_it_answers(session: Session) -> None:
    part = select(Animal.id, Animal.name).subquery()
    table = select(Animal.id, Animal.name).cte()
    chosen = case((Animal.id < 3, Animal.name), else_=None)
    for condition, found in (
        (Animal.name == "x", [1, 2]),
        (Animal.name.label("l") == "x", [1, 2]),
        (chosen == "c", []),
        (func.coalesce(Animal.name, null()) == "c", [3]),
        (Animal.name.is_not(None), [1, 2, 3]),
        (and_(Animal.twin.is_(None), Animal.name != "c"), [1]),
        (Animal.keeper.has(Keeper.name == "ada"), [1, 3]),
        (Animal.id.in_(select(part.c.id).where(part.c.name == "c")), [3]),
        (Animal.id.in_(select(table.c.id).where(table.c.name == "c")), [3]),
        (exists(select(Other.name).where(Other.name == "c", Other.id == Animal.id)), [3]),
        (Animal.id == select(func.count(Other.name)).scalar_subquery(), [3]),
    ):
        statement = select(Animal.id).where(condition).order_by(Animal.id)
        assert list(session.scalars(statement)) == found
    assert session.scalars(select(chosen).order_by(Animal.id)).all() == ["x", "x", None]
    assert session.execute(
        union_all(select(Animal.id, Animal.name), select(Other.id, null())).order_by("id").limit(1)
    ).all() in ([(1, "x")], [(1, None)])
    stored = session.scalars(select(type_coerce(Animal.name, String))).all()
    assert all("ze1." in str(each) for each in stored)
    # As the ORM fills up the tables of models that inherit.
    filled = union_all(select(Animal.id, cast(null(), kind)), select(Other.id, Other.name))
    assert len(session.execute(filled).all()) == 6
    named = text("SELECT name FROM animal WHERE id = 3").columns(Animal.name)
    assert session.execute(named).scalar_one() == "c"


def test_changes_that_are_encrypted_on_their_way_go_through(session: Session) -> None:
    session.execute(insert(Animal), [{"id": 10, "name": "i"}, {"id": 11, "name": None}])
    made = session.scalars(insert(Animal).returning(Animal), [{"id": 12, "name": "k"}]).one()
    assert made.name == "k"
    session.execute(update(Animal), [{"id": 10, "name": "j"}])
    session.execute(
        insert(Animal).from_select(
            ["id", "kind", "name"], select(Animal.id + 90, Animal.kind, Animal.name)
        )
    )
    session.execute(update(Animal).where(Animal.id == 1).values(name=Animal.name, twin=null()))
    session.execute(update(Animal).values(note=Animal.note))
    by_type = bindparam(None, "was null", type_=kind)
    filled = func.coalesce(Animal.name, by_type)
    session.execute(update(Animal).where(Animal.id == 11).values(name=filled))
    fresh = sqlite.insert(animals).values(id=2, kind="animal", name="upserted", twin="t")
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["id"], set_={"name": fresh.excluded.name, "twin": "set"}
        )
    )
    session.expire_all()
    read = select(animals.c.id, animals.c.name, animals.c.twin).order_by(animals.c.id)
    assert session.execute(read.where(animals.c.id < 13)).all() == [
        (1, "x", None),
        (2, "upserted", "set"),
        (3, "c", "x"),
        (10, "j", None),
        (11, "was null", None),
        (12, "k", None),
    ]
    assert session.get_one(Animal, 100).name == "j"
    assert [each.note for each in session.scalars(select(Animal).where(Animal.id < 3))] == [
        "n",
        "m",
    ]
    gone = session.scalars(delete(Animal).where(Animal.name == "j").returning(Animal.name))
    assert gone.all() == ["j", "j"]


def test_rows_are_opened_however_they_are_loaded(session: Session) -> None:
    for option in (joinedload(Keeper.animals), selectinload(Keeper.animals)):
        session.expunge_all()
        keeper = session.scalars(select(Keeper).options(option)).unique().one()
        assert sorted(each.note or "" for each in keeper.animals) == ["", "n"]
    session.expunge_all()
    late = session.scalars(select(Animal).options(defer(Animal.note)).where(Animal.id == 1)).one()
    assert late.note == "n"
    session.refresh(late, ["note"])
    session.expire(late, ["note"])
    assert late.note == "n"
    dog = session.get_one(Dog, 1)
    assert dog.chip == "c"
    session.expunge_all()
    kept = pickle.loads(pickle.dumps(dog))  # noqa: S301  # an object of this test
    kept.note = "again"
    merged = session.merge(kept)
    session.flush()
    session.expire_all()
    assert (merged.note, merged.chip) == ("again", "c")


@pytest.mark.parametrize(
    ("column", "others"),
    [
        (Column("name", EncryptedString(SERVICE), unique=True), []),
        (Column("name", EncryptedString(SERVICE), index=True), []),
        (Column("name", EncryptedString(SERVICE)), [UniqueConstraint("name", "id")]),
        (Column("name", EncryptedString(SERVICE)), [Index("twice", "name", unique=True)]),
        (Column("name", EncryptedString(SERVICE), server_default="plain"), []),
        (Column("name", EncryptedString(SERVICE), default=func.now()), []),
        (Column("name", EncryptedString(SERVICE), onupdate=text("'plain'")), []),
        (Column("name", EncryptedString(SERVICE), Computed("id")), []),
    ],
)
def test_what_the_database_would_do_by_itself_is_refused(column: Any, others: list[Any]) -> None:
    key: Column[int] = Column("id", Integer, primary_key=True)
    with pytest.raises(ConfigurationError, match="encrypted"):
        Table("pet", MetaData(), key, column, *others)


def test_what_the_program_does_by_itself_is_not() -> None:
    pet = Table(
        "pet",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", EncryptedString(SERVICE), default="rex", onupdate=lambda: "max"),
        Column("tag", String, unique=True),
        CheckConstraint("id > 0"),
        Index("upper", text("upper(tag)"), unique=True),
    )
    engine = create_engine("sqlite://")
    pet.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(pet).values(id=1))
        assert connection.scalar(select(pet.c.name)) == "rex"
        connection.execute(update(pet).values(tag="t"))
        assert connection.scalar(select(pet.c.name)) == "max"
    engine.dispose()


def test_rows_are_not_told_apart_by_what_is_encrypted_on_postgresql() -> None:
    with pytest.raises(EncryptedColumnError, match=r"animal\.name"):
        check(select(Animal.id).ext(postgresql.distinct_on(Animal.name)))
