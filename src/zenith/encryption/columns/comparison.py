"""What an encrypted column is compared with, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import ColumnElement, Integer, String, literal_column
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from zenith.encryption.columns.errors import EncryptedColumnError, UnfitColumnValueError
from zenith.encryption.columns.statements import TOLD, BlindTag

if TYPE_CHECKING:
    from zenith.encryption.columns.types import EncryptedType

NULL: Final = frozenset({operators.is_, operators.is_not})
SAME: Final = frozenset({operators.eq, operators.ne})
READ: Final = "read the values and pass them, and join by a key"


class Comparison(TypeDecorator.Comparator[Any]):
    """Turns `Person.ssn == "..."` into a comparison of blind indexes, and refuses what the
    database cannot answer: order, patterns, and equality where there is no index.

    Threat: a comparison of ciphertexts, which is never true, so that a check for "no such row"
    passes always.
    """

    __slots__ = ()

    def operate(self, op: Any, *other: Any, **options: Any) -> ColumnElement[Any]:
        """SQLAlchemy asks it for each operator."""
        given = other[0] if other else None
        # SQLAlchemy looks for columns in lists and dictionaries, and finds them by `==`: what would
        # reach the database of that is refused when it does.
        if op in NULL or (op in SAME and (given is None or isinstance(given, ColumnElement))):
            return super().operate(op, *other, **options)
        build = _EQUALITY.get(op)
        if build is None:
            raise EncryptedColumnError(f"{_type_of(self.expr).told} {TOLD}")
        return build(self.expr, _type_of(self.expr), given)

    def reverse_operate(self, op: Any, other: Any, **options: Any) -> ColumnElement[Any]:
        """`"..." == Person.ssn`; whatever else stands before a column is refused."""
        return self.operate(op, other, **options)


def tag_of(column: ColumnElement[Any], length: int) -> ColumnElement[str]:
    """The blind index in a column, as an index of the database has it: numbers in place."""
    numbers = [literal_column(str(each), Integer()) for each in (1, length)]
    return BlindTag("substr", column, *numbers, type_=String())


def _type_of(column: ColumnElement[Any]) -> EncryptedType:
    return cast("EncryptedType", column.type)


def _one(column: ColumnElement[Any], kind: EncryptedType, value: object) -> ColumnElement[bool]:
    return _among(column, kind, [value])


def _not_one(column: ColumnElement[Any], kind: EncryptedType, value: object) -> ColumnElement[bool]:
    return ~_among(column, kind, [value])


def _several(column: ColumnElement[Any], kind: EncryptedType, value: object) -> ColumnElement[bool]:
    return _among(column, kind, _values(kind, value))


def _not_several(
    column: ColumnElement[Any], kind: EncryptedType, value: object
) -> ColumnElement[bool]:
    return ~_among(column, kind, _values(kind, value))


def _values(kind: EncryptedType, value: object) -> Iterable[object]:
    if isinstance(value, list | tuple | set | frozenset):
        return cast("Iterable[object]", value)
    raise EncryptedColumnError(f"{kind.told} is compared with a list of values only: {READ}")


def _among(
    column: ColumnElement[Any], kind: EncryptedType, values: Iterable[object]
) -> ColumnElement[bool]:
    index = kind.index
    if index is None:
        raise EncryptedColumnError(
            f"{kind.told} is encrypted without a blind index and cannot be searched: give it one by"
            " `index`, which texts can have"
        )
    tags: list[str] = []
    for value in values:
        if not isinstance(value, str):
            raise EncryptedColumnError(
                f"{kind.told} is encrypted and compared with texts only: {READ}"
            )
        try:
            tags += index.tags(value, kind.context())
        except ValueError as error:
            raise UnfitColumnValueError(str(error), column=kind.told) from None
    found = tag_of(column, index.length)
    return found == tags[0] if len(tags) == 1 else found.in_(tags)


_Build = Callable[[ColumnElement[Any], "EncryptedType", object], ColumnElement[bool]]
_EQUALITY: Final[dict[Any, _Build]] = {
    operators.eq: _one,
    operators.ne: _not_one,
    operators.in_op: _several,
    operators.not_in_op: _not_several,
}
