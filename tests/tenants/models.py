"""Models with tenants and without."""

from sqlalchemy import MetaData, Table
from sqlmodel import Field, Relationship, SQLModel

from zenith.query import ZenithModel
from zenith.tenants import TenantModel

metadata = MetaData()


class Base(ZenithModel):
    """What all models of these tests share."""

    metadata = metadata


class Country(Base, table=True):
    """The same for everybody."""

    __tablename__ = "tt_countries"
    __writable__ = ("name",)
    id: int | None = Field(default=None, primary_key=True)
    name: str


class TenantFolder(TenantModel, Base, table=True):
    """One of a tenant's."""

    __tablename__ = "tt_folders"
    __writable__ = ("name", "country_id")
    __filterable__ = ("name",)
    __sortable__ = ("name",)
    id: int | None = Field(default=None, primary_key=True)
    name: str
    country_id: int | None = Field(default=None, foreign_key="tt_countries.id")
    documents: list["TenantDocument"] = Relationship(back_populates="folder")


class TenantDocument(TenantModel, Base, table=True):
    """In a folder of the same tenant."""

    __tablename__ = "tt_documents"
    __writable__ = ("title", "folder_id")
    id: int | None = Field(default=None, primary_key=True)
    title: str
    folder_id: int | None = Field(default=None, foreign_key="tt_folders.id")
    folder: TenantFolder | None = Relationship(back_populates="documents")
    place: TenantFolder | None = Relationship(
        sa_relationship_kwargs={"overlaps": "documents,folder"}
    )
    """The same, of which the folder knows nothing."""


TABLES = (TenantDocument, TenantFolder, Country)


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model, which type checkers do not know of."""
    return model.__table__  # type: ignore[attr-defined,no-any-return]
