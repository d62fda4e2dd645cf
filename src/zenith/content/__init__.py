"""What others wrote, shown and kept without harm: HTML, text, addresses, tables, files. No web."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.content.archives import read_archive
    from zenith.content.depends import uploaded
    from zenith.content.downloads import download_headers
    from zenith.content.errors import (
        ContentError,
        UnsafeUrlError,
        UploadRefusedError,
        UploadTypeError,
    )
    from zenith.content.escaping import escape
    from zenith.content.file_types import FileType
    from zenith.content.header_values import content_disposition, header_value
    from zenith.content.links import linkify
    from zenith.content.markdown import markdown_to_html
    from zenith.content.plain_text import PlainText, clean_text
    from zenith.content.redirects import is_local_path, safe_redirect
    from zenith.content.safe_html import SafeHTML, sanitize_html
    from zenith.content.sanitizer import Sanitizer
    from zenith.content.settings import (
        ARTICLE,
        BASIC,
        COMMENT,
        EMAIL,
        ArchiveLimits,
        HtmlProfile,
        UploadSettings,
    )
    from zenith.content.spreadsheets import csv_cell, csv_lines
    from zenith.content.store import StoredFile, UploadStore
    from zenith.content.uploads import CheckedFile, check_file, read_limited
    from zenith.content.urls import SafeUrl, safe_url

__all__ = [
    "ARTICLE",
    "BASIC",
    "COMMENT",
    "EMAIL",
    "ArchiveLimits",
    "CheckedFile",
    "ContentError",
    "FileType",
    "HtmlProfile",
    "PlainText",
    "SafeHTML",
    "SafeUrl",
    "Sanitizer",
    "StoredFile",
    "UnsafeUrlError",
    "UploadRefusedError",
    "UploadSettings",
    "UploadStore",
    "UploadTypeError",
    "check_file",
    "clean_text",
    "content_disposition",
    "csv_cell",
    "csv_lines",
    "download_headers",
    "escape",
    "header_value",
    "is_local_path",
    "linkify",
    "markdown_to_html",
    "read_archive",
    "read_limited",
    "safe_redirect",
    "safe_url",
    "sanitize_html",
    "uploaded",
]

# The sanitizer and the reader of Markdown are an extra: the rest works without them.
__getattr__ = loader(
    __name__,
    {
        "ARTICLE": "settings",
        "BASIC": "settings",
        "COMMENT": "settings",
        "EMAIL": "settings",
        "ArchiveLimits": "settings",
        "CheckedFile": "uploads",
        "ContentError": "errors",
        "FileType": "file_types",
        "HtmlProfile": "settings",
        "PlainText": "plain_text",
        "SafeHTML": "safe_html",
        "SafeUrl": "urls",
        "Sanitizer": "sanitizer",
        "StoredFile": "store",
        "UnsafeUrlError": "errors",
        "UploadRefusedError": "errors",
        "UploadSettings": "settings",
        "UploadStore": "store",
        "UploadTypeError": "errors",
        "check_file": "uploads",
        "clean_text": "plain_text",
        "content_disposition": "header_values",
        "csv_cell": "spreadsheets",
        "csv_lines": "spreadsheets",
        "download_headers": "downloads",
        "escape": "escaping",
        "header_value": "header_values",
        "is_local_path": "redirects",
        "linkify": "links",
        "markdown_to_html": "markdown",
        "read_archive": "archives",
        "read_limited": "uploads",
        "safe_redirect": "redirects",
        "safe_url": "urls",
        "sanitize_html": "safe_html",
        "uploaded": "depends",
    },
)
