"""How `make docs` builds the documentation."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "Zenith"
author = "The Zenith contributors"
release = version = version_of("zenith-security")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "alabaster"
html_theme_options = {"description": "The security layer for async Python web applications"}
