"""What people write: sanitized when it comes in, escaped or marked as safe when it goes out."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter
from pydantic import BaseModel
from sqlmodel import Field

from zenith import HTTPException, ZenithModel, public
from zenith.content import SafeHTML, SafeUrl, UnsafeUrlError, escape, linkify
from zenith.content import sanitize_html as sanitize

router = APIRouter()


def sanitize_html(content: str) -> SafeHTML:
    """The guide's: eight tags, `href` and `title` of links, and bare addresses as links."""
    return linkify(sanitize(content))


class Comment(ZenithModel, table=True):
    """A comment, as it is shown."""

    __tablename__ = "guide_comments"
    __writable__: ClassVar = {"content"}
    id: int | None = Field(default=None, primary_key=True)
    content: str = Field(max_length=20_000)


class Profile(ZenithModel, table=True):
    """What somebody says of themselves, as it was written."""

    __tablename__ = "guide_profiles"
    __writable__: ClassVar = {"name", "bio", "website"}
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    bio: str = Field(default="", max_length=10_000)
    website: str = Field(default="", max_length=2048)


class NewComment(BaseModel):
    content: SafeHTML


@router.post("/comments")
@public
async def write_comment(comment: NewComment) -> Comment:
    """Validated, it is sanitized already."""
    return await Comment.create(content=str(linkify(comment.content)))


@router.get("/comments/{comment_id}")
@public
async def read_comment(comment_id: int) -> Comment:
    comment = await Comment.get(comment_id)
    if comment is None:
        raise HTTPException(404)
    return comment


@router.get("/user/{user_id}/profile")
@public
async def get_user_profile(user_id: int) -> dict[str, str]:
    """HTML for a page that puts it in as it is. Text that scripts show as text is not escaped."""
    profile = await Profile.get(user_id)
    if profile is None:
        raise HTTPException(404)
    return {
        "name": str(escape(profile.name)),
        "bio": sanitize_html(profile.bio),
        "website": str(escape(_address(profile.website))),
    }


def _address(text: str) -> str:
    """An address that can be a link; empty where it cannot. Escaping alone lets scripts be one."""
    try:
        return SafeUrl(text)
    except UnsafeUrlError:
        return ""
