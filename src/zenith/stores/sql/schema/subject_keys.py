"""Keys of subjects, wrapped, and the marks of those that were erased."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String, Table, Text

from zenith.stores.sql.schema.metadata import metadata

subject_keys: Final = Table(
    "zenith_subject_keys",
    metadata,
    Column("subject", String(255), primary_key=True),
    # Empty once the subject is erased: the row stays, so that no key is ever made for it again.
    Column("wrapped", Text, nullable=False),
)
