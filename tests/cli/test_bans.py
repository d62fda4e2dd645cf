from __future__ import annotations

import json


def document(answer):
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_a_ban_is_made_listed_and_lifted(zenith):
    made = document(
        zenith("bans", "add", "2001:DB8::7", "--reason", "scans", "--days", "2", "--json")
    )
    assert (made["target"], made["kind"], made["made_by"]) == (
        "2001:db8::/64",
        "address",
        "operator",
    )
    assert made["until"] > made["created_at"]
    answer = zenith("bans", "add", "account:a1", "--reason", "spam")
    assert answer.stdout == "account:a1 is banned until it is lifted\n"
    found = document(zenith("bans", "list", "--json"))["bans"]
    assert [(each["target"], each["until"]) for each in found] == [
        ("account:a1", None),
        ("2001:db8::/64", made["until"]),
    ]
    rows = zenith("bans", "list", "--search", "sca").stdout.splitlines()
    assert rows[0].split() == ["target", "until", "made", "by", "reason"]
    assert rows[1].endswith("UTC  operator  scans")
    assert zenith("bans", "lift", "2001:db8::9").stdout == "the ban is lifted\n"
    assert document(zenith("bans", "lift", "2001:db8::9", "--json")) == {"lifted": False}
    wrong = zenith("bans", "add", "everybody", "--reason", "why")
    assert wrong.exit_code == 2
    assert "Write an address" in wrong.stderr
