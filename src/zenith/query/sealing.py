"""Columns that are encrypted because their fields are marked as sensitive."""

from __future__ import annotations

import types
from typing import Annotated, Any, Final, Protocol, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy.types import TypeEngine
from sqlmodel.main import FieldInfoMetadata

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.sensitive import mark_among, mark_in_bases

NAME: Final = "__encryption__"
TYPED: Final = ("sa_type", "sa_column")
COMPARED: Final = ("index", "unique")


class ColumnCipher(Protocol):
    """Who encrypts columns: an `EncryptionService`."""

    def column_type(self, kind: Any) -> TypeEngine[Any] | None:
        """The type of a column for values of `kind`; None where there is none."""
        ...


def seal_fields(model: type[Any]) -> None:
    """Give each sensitive field of a model that names its `__encryption__` an encrypted column.

    What says itself how it is stored is left so; the start refuses what is not encrypted by that,
    unless the column's `info` says `plain_text`. Raises ConfigurationError for what cannot be
    encrypted.
    """
    cipher: ColumnCipher | None = getattr(model, NAME, None)
    if cipher is None:
        return
    fields: dict[str, FieldInfo] = model.model_fields
    for name, field in fields.items():
        mark = mark_among(field.metadata, field.annotation) or mark_in_bases(model, name)
        if mark is not None and not any(_told(field, each) for each in TYPED):
            _seal(model, name, field, cipher)


def kind_of_values(annotation: Any) -> Any:
    """A type without `Annotated` and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [each for each in get_args(annotation) if each is not types.NoneType]
        return kind_of_values(kinds[0]) if len(kinds) == 1 else object
    return get_origin(annotation) or annotation


def _seal(model: type[Any], name: str, field: FieldInfo, cipher: ColumnCipher) -> None:
    if any(_told(field, each) for each in COMPARED):
        raise ConfigurationError(
            f"{model.__name__}.{name} is sensitive, encrypted, and found by an index of plain text",
            fix="sa_type=EncryptedString(service, index=service.blind_index(...)) in place of"
            " `index` and `unique`",
        )
    kind = cipher.column_type(kind_of_values(field.annotation))
    if kind is None:
        raise ConfigurationError(
            f"{model.__name__}.{name} is sensitive, and its type has no encrypted column",
            fix="give it a type that has one, or a sa_type and"
            " sa_column_kwargs={'info': {'plain_text': True}}",
        )
    given = _metadata_of(field)
    if given is not None:
        given.sa_type = cast("Any", kind)
    elif hasattr(field, "sa_type"):
        setattr(field, "sa_type", kind)  # noqa: B010  # a field of SQLModel's own class
    else:
        field.metadata.append(FieldInfoMetadata(sa_type=cast("Any", kind)))


def _metadata_of(field: FieldInfo) -> FieldInfoMetadata | None:
    return next((each for each in field.metadata if isinstance(each, FieldInfoMetadata)), None)


def _told(field: FieldInfo, name: str) -> bool:
    """Whether a field says something for its column."""
    given = _metadata_of(field) or field
    found: object = getattr(given, name, PydanticUndefined)
    return found is not PydanticUndefined and found is not False
