from __future__ import annotations

from pathlib import Path

import pytest

from zenith.abuse import DisposableDomains, DisposableEmailError
from zenith.abuse.disposable import DisposableMode, packaged_domains
from zenith.abuse.settings import AbuseSettings
from zenith.kernel.errors import ConfigurationError


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("ann@mailinator.com", True),
        ("Ann@MAILINATOR.com", True),
        ("ann@any.thing.mailinator.com", True),
        ("mailinator.com.", True),
        ("ann@notmailinator.org", False),
        ("ann@mailinator.com.example.org", False),
        ("ann@gmail.com", False),
        ("ann@proton.me", False),
        ("ann@example.org", False),
        ("ann", False),
        ("", False),
        ("ann@müller.example", False),
        ("ann@" + "ü" * 70 + ".com", False),
    ],
)
def test_domains_and_what_is_below_them(address: str, found: bool) -> None:
    assert DisposableDomains().holds(address) is found


def test_the_packaged_list_is_clean() -> None:
    found = packaged_domains()
    assert len(found) > 1200
    kept = {"gmail.com", "outlook.com", "yahoo.com", "proton.me", "gmx.de", "web.de", "icloud.com"}
    assert not found & kept
    assert all("." in name and name == name.strip(".") for name in found)


def test_own_lists_add_and_take_away(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        "# ours\nburner.example other.example # two\n\nXN--BCHER-KVA.example\n", "utf-8"
    )
    found = DisposableDomains(file=path, allowed=("mailinator.com", ".fine.burner.example"))
    assert found.holds("a@x.burner.example")
    assert found.holds("a@other.example")
    assert found.holds("a@bücher.example")
    assert not found.holds("a@mailinator.com")
    assert not found.holds("a@fine.burner.example")
    assert found.holds("a@yopmail.com")


@pytest.mark.parametrize("text", [b"no domain!", b"nodots", b"\xff\xfe"])
def test_a_file_that_is_none_refuses_the_start(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError):
        DisposableDomains(file=path)
    with pytest.raises(ConfigurationError):
        DisposableDomains(file=tmp_path / "missing")


@pytest.mark.parametrize(("mode", "marked"), [("mark", True), ("allow", False)])
def test_marked_or_allowed(mode: DisposableMode, marked: bool) -> None:
    assert DisposableDomains(mode).check("ann@mailinator.com") is marked
    assert DisposableDomains(mode).check("ann@example.org") is False


def test_refused() -> None:
    with pytest.raises(DisposableEmailError):
        DisposableDomains("refuse").check("ann@mailinator.com")


def test_the_mode_is_one_of_three() -> None:
    with pytest.raises(ConfigurationError):
        AbuseSettings(disposable_addresses="ban")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError):
        AbuseSettings(sign_up_seconds=-1.0)
