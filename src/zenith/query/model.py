"""`ZenithModel`: a table whose queries are safe, whatever their parameters are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import ValidationError as PydanticError
from sqlalchemy import ColumnElement
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from zenith.kernel.errors import ConflictError
from zenith.kernel.sensitive import Quiet
from zenith.query.columns import Columns, columns_of
from zenith.query.errors import UnfitValueError, invalid
from zenith.query.query import BESIDE, Condition, Query
from zenith.query.sealing import ColumnCipher, seal_fields
from zenith.query.session import operation
from zenith.query.writing import check_names, checked_changes, faults_of, stored


class ZenithModel(Quiet, SQLModel):
    """A SQLModel with queries: `class User(ZenithModel, table=True)`.

    What may come from outside is declared on the model, and is nothing unless declared:
    `__writable__` names the columns that `create` and `update` take from data, `__filterable__` and
    `__sortable__` those that clients may filter and sort by. A column that is annotated as `hidden`
    or `sensitive` cannot be named in any filter or order.
    """

    __writable__: ClassVar[Collection[str]] = frozenset()
    """Columns that data may set."""
    __filterable__: ClassVar[Collection[str] | Mapping[str, Collection[str]]] = frozenset()
    """Columns that clients may filter by; as a mapping, with which operators."""
    __sortable__: ClassVar[Collection[str]] = frozenset()
    """Columns that clients may sort by."""
    __max_page_size__: ClassVar[int] = 100
    """Rows that a client gets at once, at most."""
    __encryption__: ClassVar[ColumnCipher | None]
    """Who encrypts the columns of sensitive fields, such as `app.encryption`; None for nobody. A
    model with sensitive fields must say which, or production refuses to start."""

    @classmethod
    def __pydantic_init_subclass__(cls, **given: Any) -> None:
        """The columns are made after this, from what the fields say."""
        super().__pydantic_init_subclass__(**given)
        seal_fields(cls)

    @classmethod
    def where(cls, /, *conditions: Condition, **filters: object) -> Query[Self]:
        """Rows that meet all conditions and filters; see `Query.where`."""
        return Query(cls).where(*conditions, **filters)

    @classmethod
    def search(cls, name: str, term: str) -> Query[Self]:
        """Rows whose column `name` contains `term`; see `Query.search`."""
        return Query(cls).search(name, term)

    @classmethod
    def order_by(cls, *names: str | ColumnElement[Any]) -> Query[Self]:
        """All rows in an order; see `Query.order_by`."""
        return Query(cls).order_by(*names)

    @classmethod
    def from_client(
        cls,
        filters: Mapping[str, object] | Iterable[tuple[str, object]] = (),
        sort: str | Sequence[str] = "",
        *,
        beside: Sequence[str] = BESIDE,
    ) -> Query[Self]:
        """Rows as the client wants them, as far as the model allows; see `Query.from_client`."""
        return Query(cls).from_client(filters, sort, beside=beside)

    @classmethod
    async def get(cls, key: object) -> Self | None:
        """The row with this primary key; None where there is none, or can be none, such as one of
        a number that the column does not hold. ValueError where the key is none of its type, or has
        several columns.
        """
        keys = columns_of(cls).keys
        if len(keys) != 1:
            raise ValueError(f"the key of {cls.__name__} has several columns; use where()")
        try:
            return await cls.where(**{keys[0].name: key}).one_or_none()
        except UnfitValueError:
            return None

    @classmethod
    async def create(cls, own: Mapping[str, object] | None = None, /, **data: object) -> Self:
        """Insert a row. `data` is anybody's and names writable columns only; what code itself
        decides goes into `own`: `await Note.create({"owner_id": user.id}, **note.model_dump())`.

        Raises ValidationError (422) for other columns and values that do not fit, ConflictError
        (409) where a unique value is taken.
        """
        columns = columns_of(cls)
        check_names(columns, own, data)
        try:
            row = cls.model_validate({**data, **(own or {})})
        except PydanticError as error:
            raise invalid(faults_of(error)) from None
        _prepare(columns, row)
        return await row.save()

    async def update(self, own: Mapping[str, object] | None = None, /, **data: object) -> Self:
        """Change this row; `own` and `data` as for `create`.

        In a model with a version, `data` may hold the `version` that the client has seen: if it is
        no longer that one, nothing is changed. Raises ConflictError (409) then, and whenever
        somebody else has changed or deleted the row since it was read.
        """
        columns = columns_of(type(self))
        version = columns.version
        if version is not None and version.name in data:
            seen = data.pop(version.name)
            if type(seen) is not int or seen != getattr(self, version.name):
                raise ConflictError(
                    "It was changed meanwhile", reason="the client has seen another version"
                )
        for name, value in checked_changes(columns, own, data, self).items():
            setattr(self, name, value)
        return await self.save()

    async def save(self) -> Self:
        """Write this row as code has set it: nothing is checked against `__writable__`."""
        async with operation() as session:
            session.add(self)
            await session.flush()
        return self

    async def delete(self) -> None:
        """Delete this row; ConflictError (409) if somebody else has, or has changed its version."""
        async with operation() as session:
            await session.delete(self)
            await session.flush()


class Versioned(ZenithModel):
    """A model whose rows count their changes, so that no change is lost: of two who have read the
    same row, the second to write is refused with ConflictError (409).
    """

    version: int = Field(default=1, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  # SQLAlchemy calls it on the class
        table: Any = getattr(cls, "__table__", None)
        return {"version_id_col": table.c.version}


def _prepare(columns: Columns, row: ZenithModel) -> None:
    """Bring what was validated into the form that is stored."""
    faults: list[dict[str, Any]] = []
    for name in row.model_fields_set:
        column = columns.by_name.get(name)
        if column is not None:
            try:
                value = stored(column, getattr(row, name))
            except ValueError as error:
                faults.append({"type": "value_error", "loc": ["body", name], "msg": f"It {error}"})
            else:
                setattr(row, name, value)
    if faults:
        raise invalid(faults)
