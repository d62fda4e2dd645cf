"""Text as text: escaped for HTML."""

from __future__ import annotations

import markupsafe


def escape(value: object) -> markupsafe.Markup:
    """`value` as HTML that shows it: `&`, `<`, `>` and both quotes become entities.

    Threat: text that is read as markup (ASVS 1.2.1). For element content and quoted attributes;
    not within scripts, styles or comments. What is marked as HTML, by `__html__`, stays as it is.
    """
    return markupsafe.escape(value)
