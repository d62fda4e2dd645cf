from __future__ import annotations

import re

from tools.public_suffixes import PACKAGED, packaged
from zenith.transport.cross_origin.public_suffixes import is_open_below

SOURCE = """\
// Mozilla Public License
// VERSION: 2026-01-01

// ===BEGIN ICANN DOMAINS===
com
co.uk
uk
*.kawasaki.jp
!city.kawasaki.jp

// cn
公司.cn
"""


def test_the_list_is_made_of_the_published_one():
    remarks, rules = packaged(SOURCE).split("mozilla.org/MPL/2.0/.\n")
    assert "VERSION: 2026-01-01" in remarks
    assert rules.split() == ["!city.kawasaki.jp", "*.kawasaki.jp", "co.uk", "xn--55qx5d.cn"]


def test_the_packaged_list_is_whole_and_in_the_form_of_origins():
    lines = PACKAGED.read_text("ascii").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert len(rules) > 8000
    label = re.compile(r"!?(?:\*|[a-z0-9_-]+)(?:\.[a-z0-9_-]+)+")
    assert [rule for rule in rules if not label.fullmatch(rule)] == []
    assert any("Mozilla Public License" in line for line in lines)


def test_a_domain_above_a_public_suffix_is_open_too():
    assert is_open_below("amazonaws.com")
    assert not is_open_below("example.com")


def test_exceptions_have_one_owner():
    assert is_open_below("kawasaki.jp")
    assert is_open_below("other.kawasaki.jp")
    assert not is_open_below("city.kawasaki.jp")
    assert not is_open_below("a.other.kawasaki.jp")
