"""Settings: what HTML may hold, and which files are taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from zenith.kernel.errors import ConfigurationError

MIB: Final = 1024 * 1024
LARGEST: Final = 100 * MIB
HARMLESS_TAGS: Final = frozenset(
    (
        "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "blockquote", "br",
        "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn",
        "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5",
        "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp",
        "rt", "ruby", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "summary",
        "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var",
        "wbr",
    )
)  # fmt: skip
"""Tags that a profile may name. The others run, load, submit, style or change how what follows is
read, which is what mutations of sanitized HTML live on."""
HARMLESS_ATTRIBUTES: Final = frozenset(
    (
        "alt", "colspan", "datetime", "dir", "height", "href", "lang", "reversed",
        "rowspan", "scope", "span", "src", "start", "title", "width",
    )
)  # fmt: skip
"""Attributes that a profile may name. Not `id` and `name`, which replace variables of scripts, nor
`style`, `on...` and `data-...`, which styles and scripts act upon."""
SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})


TYPES: Final = (
    "png", "jpeg", "gif", "webp", "pdf", "zip", "docx", "xlsx", "pptx", "text", "csv"
)  # fmt: skip
"""Types of files that can be told by their content. Not SVG and HTML: they are programs."""


def _only(setting: str, given: Collection[str], known: Collection[str]) -> None:
    strange = sorted(name for name in given if name not in known)
    if strange:
        raise ConfigurationError(
            f"content: {setting} may not hold `{strange[0]}`",
            fix=f"choose among {', '.join(sorted(known))}",
        )


def _positive(settings: object, names: Collection[str]) -> None:
    for name in names:
        value = getattr(settings, name)
        if not value > 0:
            raise ConfigurationError(f"content: {name} is {value}", fix="give a figure above 0")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HtmlProfile:
    """What is left of HTML that others wrote. Raises ConfigurationError for a tag, attribute or
    scheme that could run, load or submit something.
    """

    tags: Collection[str]
    """Tags that stay. Of others the text stays; of scripts, styles and the like nothing does."""
    attributes: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    """Attributes that stay, by tag."""
    classes: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    """Values of `class` that stay, by tag. The styles of the page apply to them."""
    url_schemes: Collection[str] = ("http", "https", "mailto")
    """Schemes of addresses that stay."""
    relative_urls: bool = True
    """Whether addresses without a scheme stay."""
    rel: str = "nofollow ugc noopener noreferrer"
    """`rel` of every link."""
    max_length: int = 100_000
    """Characters, before sanitizing. It takes time in proportion."""

    def __post_init__(self) -> None:
        named = {name for names in self.attributes.values() for name in names}
        _only("tags", self.tags, HARMLESS_TAGS)
        _only("attributes", named, HARMLESS_ATTRIBUTES)
        _only("attributes", self.attributes, self.tags)
        _only("classes", self.classes, self.tags)
        _only("url_schemes", self.url_schemes, SCHEMES)
        if self.max_length < 1:
            raise ConfigurationError(
                f"content: max_length is {self.max_length}", fix="give a figure above 0"
            )


BASIC: Final = HtmlProfile(
    tags=("p", "br", "strong", "em", "a", "ul", "ol", "li"),
    attributes={"a": ("href", "title")},
)
"""Paragraphs, emphasis, links, lists: what the security guide lets stay."""

COMMENT: Final = HtmlProfile(
    tags=(*BASIC.tags, "b", "i", "del", "code", "pre", "blockquote"),
    attributes={"a": ("href", "title")},
)
"""What visitors write below something: also code and quotations."""

ARTICLE: Final = HtmlProfile(
    tags=HARMLESS_TAGS - {"center", "tt", "strike", "address", "header", "footer"},
    attributes={
        "a": ("href", "title"),
        "abbr": ("title",),
        "bdo": ("dir",),
        "col": ("span",),
        "colgroup": ("span",),
        "del": ("datetime",),
        "img": ("src", "alt", "title", "width", "height"),
        "ins": ("datetime",),
        "ol": ("start", "reversed"),
        "td": ("colspan", "rowspan"),
        "th": ("colspan", "rowspan", "scope"),
        "time": ("datetime",),
    },
    url_schemes=("http", "https", "mailto", "tel"),
    rel="noopener noreferrer",
    max_length=200_000,
)
"""What editors write: headings, tables, pictures."""

EMAIL: Final = HtmlProfile(
    tags=HARMLESS_TAGS - {"img", "details", "summary"},
    attributes={
        "a": ("href", "title"),
        "ol": ("start",),
        "td": ("colspan", "rowspan"),
        "th": ("colspan", "rowspan"),
    },
    relative_urls=False,
    rel="nofollow noopener noreferrer",
    max_length=200_000,
)
"""A mail that is shown in a page. No pictures: loading them tells the sender who reads, when and
where. No relative addresses: they would lead into the application that shows the mail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveLimits:
    """How much an archive may hold (ASVS 5.2.3). Raises ConfigurationError for limits below 1."""

    max_entries: int = 1000
    """Files and folders."""
    max_unpacked: int = 100 * MIB
    """Bytes of all files together, unpacked. Each is unpacked once to see that it is true."""
    max_ratio: int = 100
    """How many times its packed size a file may be unpacked, beyond the first 64 KiB."""
    max_name: int = 240
    """Characters of a path within the archive."""

    def __post_init__(self) -> None:
        _positive(self, ("max_entries", "max_unpacked", "max_ratio", "max_name"))


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadSettings:
    """Which files one route takes.

    Raises ConfigurationError for types that are not known and limits that are none.
    """

    types: tuple[str, ...]
    """Names of types: `png`, `jpeg`, `gif`, `webp`, `pdf`, `zip`, `docx`, `xlsx`, `pptx`, `text`,
    `csv`."""
    max_size: int = 10 * MIB
    """Bytes; a file is held in memory while it is examined, so 100 MiB at most. The route's
    `body_limit` must let as much in."""
    max_pixels: int = 50_000_000
    """Width by height by pictures, of an image (ASVS 5.2.6). Decoded, each takes four bytes."""
    archives: ArchiveLimits = ArchiveLimits()
    """How much archives may hold, and documents that are archives."""
    allow_trailing_data: bool = False
    """Lost: behind the end of an image anything may follow. Some telephones append a film there."""

    def __post_init__(self) -> None:
        _only("types", self.types, TYPES)
        if not self.types:
            raise ConfigurationError("content: types is empty", fix='name some: ("png", "jpeg")')
        _positive(self, ("max_size", "max_pixels"))
        if self.max_size > LARGEST:
            raise ConfigurationError(
                f"content: max_size is {self.max_size}",
                fix=f"files are examined in memory: {LARGEST} at most",
            )

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the loosened settings."""
        return ("allow_trailing_data",) if self.allow_trailing_data else ()
