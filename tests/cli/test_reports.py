"""`zenith reports`."""

from __future__ import annotations

import json

from tests.cli.test_accounts import in_home
from zenith.headers.reports import REPORTS


def tell(tmp_path, *directives):
    reports = [
        {
            "type": "csp-violation",
            "url": "https://app.example.org/form?secret=1",
            "body": {"effectiveDirective": directive, "blockedURL": "inline"},
        }
        for directive in directives
    ]

    async def work(assembly):
        body = json.dumps(reports).encode()
        assembly.reports.take(body, media_type=REPORTS, hosts={"app.example.org"})

    in_home(tmp_path, work)


def test_nothing(zenith):
    assert zenith("reports", "list").stdout == "no reports\n"
    assert json.loads(zenith("reports", "list", "--json").stdout) == {"reports": []}
    assert zenith("reports", "clear").stdout == "forgotten: 0 rows\n"


def test_a_list_for_people_and_one_for_programs(zenith, tmp_path):
    """What waits when a server stops is written, and found by the next process."""
    tell(tmp_path, "img-src", "img-src", "font-src")
    head, first, second = zenith("reports", "list").stdout.splitlines()
    assert head.split() == ["times", "kind", "directive", "blocked", "document", "source", "last"]
    assert first.split()[:6] == ["2", "csp", "img-src", "inline", "/form", "-"]
    assert second.split()[:3] == ["1", "csp", "font-src"]
    (found,) = json.loads(zenith("reports", "list", "--json", "--limit", "1").stdout)["reports"]
    assert found.pop("first_seen") == found.pop("last_seen") > 0
    assert found == {
        "kind": "csp",
        "directive": "img-src",
        "blocked": "inline",
        "document": "/form",
        "source": "",
        "disposition": "",
        "count": 2,
    }
    assert zenith("reports", "clear").stdout == "forgotten: 2 rows\n"
    assert zenith("reports", "list").stdout == "no reports\n"
