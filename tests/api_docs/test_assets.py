"""The files of others are those that were reviewed, and ours hold nothing that a policy forbids."""

from __future__ import annotations

import hashlib

import pytest

from zenith.api_docs.routes import ASSETS, SERVED

REVIEWED = {
    "oauth2-redirect.js": "a5c8a34e09e49737382cc5019446eec7c3db3461963fc5bfe448361d3c5549e9",
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}


@pytest.mark.parametrize(("name", "digest"), REVIEWED.items())
def test_files_of_others_are_unchanged(name, digest):
    assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == digest


def test_every_served_file_is_reviewed_or_ours():
    assert {*REVIEWED, "docs.js"} == SERVED


@pytest.mark.parametrize("name", sorted(SERVED))
def test_no_file_names_another_origin_as_a_source(name):
    text = (ASSETS / name).read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(http" not in text
    assert 'src="http' not in text


def test_licences_travel_with_the_files():
    assert "Apache License" in (ASSETS / "swagger-ui.LICENSE.txt").read_text(encoding="utf-8")
    assert (ASSETS / "swagger-ui.NOTICE.txt").exists()
    assert (ASSETS / "swagger-ui-bundle.js.LICENSE.txt").exists()
