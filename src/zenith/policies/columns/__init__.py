"""Columns as values of conditions."""

from zenith.policies.columns.column import FLIPPED, Brackets, Sql, as_sql, invert
from zenith.policies.columns.domains import DomainColumn
from zenith.policies.columns.mapped import column_of
from zenith.policies.columns.texts import TextColumn
from zenith.policies.columns.values import Column

__all__ = [
    "FLIPPED",
    "Brackets",
    "Column",
    "DomainColumn",
    "Sql",
    "TextColumn",
    "as_sql",
    "column_of",
    "invert",
]
