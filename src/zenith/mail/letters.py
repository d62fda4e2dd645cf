"""Letters: a subject, paragraphs and at most one button, as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.mail.message import Mail

if TYPE_CHECKING:
    from zenith.mail.letter_templates import LetterTemplates

OWN: Final = Path(__file__).parent / "templates"
MAX_FACT: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """What one notice says. Sentences may name facts in braces: `from {device}`."""

    subject: str
    paragraphs: tuple[str, ...]
    button: str = ""
    """Label of the link, for notices that carry one."""
    facts: tuple[str, ...] = field(default=())
    """Facts that the sentences name; one that is missing reads `unknown`."""


class Letters:
    """Writes mails from wordings.

    Threat: markup or line breaks in a fact, such as a device's name, which a stranger chose
    (ASVS 1.2.1): HTML is escaped, control characters and line breaks are taken out, facts are cut
    at 200 characters, and what a fact says is never read as a template.
    """

    def __init__(
        self,
        wordings: Mapping[str, Wording],
        *,
        application: str,
        origin: str,
        templates: Path | None = None,
    ) -> None:
        self._wordings: Final = wordings
        self._application: Final = application
        self._origin: Final = origin
        self._folders: Final[Sequence[Path]] = [OWN] if templates is None else [templates, OWN]
        self._templates: LetterTemplates | None = None

    def write(
        self,
        notice: str,
        *,
        to: str,
        facts: Mapping[str, object] | None = None,
        link: str = "",
        number: str = "",
    ) -> Mail:
        """The mail. Raises ConfigurationError for a notice that has no wording, and MailError where
        the application's own template is broken.
        """
        self.check(notice)
        wording = self._wordings[notice]
        given = facts or {}
        known = {name: _plain(given.get(name)) for name in wording.facts}
        values = {
            "application": self._application,
            "origin": self._origin,
            "subject": wording.subject.format_map(known),
            "paragraphs": [each.format_map(known) for each in wording.paragraphs],
            "button": wording.button if link else "",
            "link": link,
            "facts": known,
        }
        text, html = self._prepared().render(notice, values)
        subject = f"{values['subject']} · {self._application}"
        return Mail(to=to, subject=subject, text=text, html=html, kind=notice, number=number)

    def _prepared(self) -> LetterTemplates:
        if self._templates is None:
            # Jinja, which the first mail waits for and no start.
            from zenith.mail.letter_templates import LetterTemplates  # noqa: PLC0415

            self._templates = LetterTemplates(self._folders)
        return self._templates

    def check(self, notice: str) -> None:
        """Raise ConfigurationError for a notice that has no wording."""
        if notice not in self._wordings:
            raise ConfigurationError(
                f"there is no notice `{notice}`", fix="choose one of " + ", ".join(self._wordings)
            )


def _plain(fact: object) -> str:
    text = "".join(c for c in str("" if fact is None else fact)[:MAX_FACT] if c.isprintable())
    return text.strip() or "unknown"
