"""The templates that letters are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from zenith.mail.errors import MailError


class LetterTemplates:
    """Templates of some folders, the first folder first. HTML is escaped."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._templates: Final = Environment(
            loader=FileSystemLoader(folders),
            autoescape=select_autoescape(("html",)),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def render(self, notice: str, values: Mapping[str, object]) -> tuple[str, str]:
        """A notice as text and as HTML. Raises MailError where a template is broken."""
        try:
            text, html = (
                self._templates.select_template([f"{notice}.{form}", f"letter.{form}"]).render(
                    values
                )
                for form in ("txt", "html")
            )
        except TemplateError as error:
            raise MailError(f"template: {type(error).__name__}", lasting=True) from error
        return text, html
