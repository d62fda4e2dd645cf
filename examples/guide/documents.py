"""Documents: who may read and change which, decided before a handler runs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from pydantic import BaseModel
from sqlmodel import Field, select
from sqlmodel.ext.asyncio.session import AsyncSession

from examples.guide.policies import document_policy
from zenith import Depends, ZenithModel, get_session, require_policy
from zenith.authorization import allowed

router = APIRouter()
Session = Annotated[AsyncSession, Depends(get_session)]


class Document(ZenithModel, table=True):
    """What people keep. `owner_id` is the subject id of an account."""

    __tablename__ = "guide_documents"
    __writable__: ClassVar = {"title"}
    id: int | None = Field(default=None, primary_key=True)
    owner_id: str = Field(max_length=64, index=True)
    title: str = Field(max_length=200)
    public: bool = False
    locked: bool = False


class Change(BaseModel):
    title: str = Field(max_length=200)


async def load_document(document_id: int, session: Session) -> Document | None:
    return await session.get(Document, document_id)


@router.get("/documents/{document_id}")
@require_policy(document_policy, "read", resource=load_document)
async def get_document(document: Document) -> Document:
    """The handler begins where the guide's ends: with a document that may be read."""
    return document


@router.put("/documents/{document_id}")
@require_policy(document_policy, "write", resource=load_document)
async def rename_document(document: Document, change: Change, session: Session) -> Document:
    document.title = change.title
    await session.commit()
    return document


@router.get("/documents")
async def list_documents(
    session: Session,
    readable: Annotated[Any, Depends(allowed(document_policy, "read", Document))],
) -> list[Document]:
    """The same policy, as a condition of the query."""
    return list((await session.exec(select(Document).where(readable).order_by("id"))).all())
