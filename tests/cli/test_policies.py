"""`zenith policy`: what it prints, how it ends, and what it leaves in the database."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_accounts import in_home
from zenith.kernel.events import EventType
from zenith.policies import Policy
from zenith.policies.recording import DecisionRecorder
from zenith.stores.sql import SqlAuditStore, SqlDecisionStore

READ = """\
name: documents
rules:
  - name: owners
    action: read
    conditions:
      - {attribute: subject.id, operator: equals, value: resource.owner_id}
  - name: public
    action: read
    conditions:
      - {attribute: resource.public, operator: equals, value: true}
"""
FAULTY = (
    READ
    + """\
  - name: everything
    action: "*"
  - name: never
    action: write
    conditions:
      - {attribute: resource.size, operator: greater_than, value: 5}
      - {attribute: resource.size, operator: less_than, value: 3}
"""
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "documents.yaml"
    path.write_text(READ)
    return path


@pytest.fixture
def several(tmp_path):
    path = tmp_path / "several.json"
    rule = {"action": "read"}
    path.write_text(
        json.dumps({"policies": [{"name": name, "rules": [rule]} for name in ("one", "two")]})
    )
    return path


def printed(answer, code=0):
    assert answer.exit_code == code, answer.output
    return json.loads(answer.stdout)


def test_what_is_sound_passes(zenith, file):
    answer = zenith("policy", "check", str(file))
    assert (answer.exit_code, answer.stdout) == (
        0,
        "documents: 2 rules\n  nothing found\n",
    )
    assert printed(zenith("policy", "check", str(file), "--json")) == [
        {"policy": "documents", "findings": []}
    ]


def test_faults_are_told_and_fail(zenith, file):
    file.write_text(FAULTY)
    answer = zenith("policy", "check", str(file))
    assert answer.exit_code == 1
    assert "error  never: its conditions are never true together" in answer.stdout
    assert "look  everything: it allows every action to everybody" in answer.stdout
    assert "owners: wherever it is satisfied, another rule says the same (everything)" in (
        answer.stdout
    )
    (found,) = printed(zenith("policy", "check", str(file), "--json"), 1)
    assert {each["kind"] for each in found["findings"]} == {"contradictory", "wide", "redundant"}


def test_what_may_be_meant_so_fails_only_when_asked(zenith, several):
    assert zenith("policy", "check", str(several)).exit_code == 0
    assert zenith("policy", "check", str(several), "--strict").exit_code == 1


def test_a_file_that_cannot_be_understood_is_named_with_its_line(zenith, file):
    file.write_text(READ.replace("equals, value: true", "sounds_like, value: true"))
    answer = zenith("policy", "check", str(file))
    assert answer.exit_code == 2
    assert "documents.yaml:10:" in answer.stderr.replace("\n", "")
    assert "sounds_like" in answer.stderr


def test_a_decision_is_explained(zenith, file, tmp_path):
    (tmp_path / "ada.json").write_text('{"id": "ada"}')
    facts = ("--subject", f"@{tmp_path / 'ada.json'}", "--resource", '{"owner_id": "ada"}')
    answer = zenith("policy", "explain", str(file), "read", *facts)
    assert answer.exit_code == 0
    assert answer.stdout.startswith("allowed, by owners\n")
    document = printed(zenith("policy", "explain", str(file), "read", *facts, "--json"))
    assert (document["allowed"], document["rule"]) == (True, "owners")
    assert document["missing"] == ["resource.public"]
    assert [rule["satisfied"] for rule in document["rules"]] == [True, False]
    denied = zenith("policy", "explain", str(file), "read")
    assert denied.exit_code == 1
    assert denied.stdout.startswith("denied, no rule is satisfied\n")


@pytest.mark.parametrize("facts", ["{", "[1]", "@/nowhere.json", "[" * 100_000])
def test_facts_that_are_no_json_are_refused(zenith, file, facts):
    answer = zenith("policy", "explain", str(file), "read", "--subject", facts)
    assert answer.exit_code == 2
    assert "--subject is no JSON" in answer.stderr


def test_one_of_several_policies_is_chosen(zenith, several):
    assert (
        printed(zenith("policy", "explain", str(several), "read", "--policy", "two", "--json"))[
            "policy"
        ]
        == "two"
    )
    for options, problem in (((), "holds 2 policies"), (("--policy", "x"), "holds no policy x")):
        answer = zenith("policy", "explain", str(several), "read", *options)
        assert answer.exit_code == 2
        assert problem in answer.stderr
        assert "one, two" in answer.stderr


def test_who_can(zenith, file):
    answer = zenith("policy", "who-can", str(file), "read", "--resource", '{"owner_id": "ada"}')
    assert answer.stdout == 'read: depends\n  allow if subject.id equals "ada" (owners)\n'
    people = '[{"id": "ada"}, {"id": "bob"}]'
    options = ("--subjects", people, "--resource", '{"owner_id": "ada"}')
    assert (
        '{"id": "ada"}  always' in zenith("policy", "who-can", str(file), "read", *options).stdout
    )
    (found,) = printed(zenith("policy", "who-can", str(file), "read", *options, "--json"))
    assert (found["subject"], found["answer"]) == ({"id": "ada"}, "always")
    wrong = zenith("policy", "who-can", str(file), "read", "--subjects", "{}")
    assert wrong.exit_code == 2
    assert "no list" in wrong.stderr


def test_what_can(zenith, file):
    (found,) = printed(
        zenith("policy", "what-can", str(file), "--subject", '{"id": "ada"}', "--json")
    )
    assert found["action"] == "read"
    assert [rule["if"] for rule in found["rules"]] == [
        'resource.owner_id equals "ada"',
        "resource.public equals true",
    ]


def test_a_file_is_put_in_force_and_taken_back(zenith, file, tmp_path):
    first = zenith("policy", "activate", str(file), "--reason", "the first", "--by", "ada")
    assert first.exit_code == 0, first.output
    assert first.stdout == "documents: version 1 is in force, revision 1\n"
    file.write_text(FAULTY)
    options = ("--reason", "more", "--by", "bob", "--expected", "1", "--json")
    second = printed(zenith("policy", "activate", str(file), *options))
    assert (second["version"], second["revision"], second["activated_by"]) == (2, 2, "bob")
    late = zenith("policy", "activate", str(file), "--reason", "late", "--expected", "1")
    assert late.exit_code == 1
    assert "look again" in late.stderr
    back = zenith("policy", "activate", "documents", "--version", "1", "--reason", "undo")
    assert back.stdout == "documents: version 1 is in force, revision 3\n"
    table = zenith("policy", "versions", "documents").stdout
    assert "in force" in table.splitlines()[2]
    listed = printed(zenith("policy", "versions", "documents", "--json"))
    assert listed["active"]["revision"] == 3
    assert [each["version"] for each in listed["versions"]] == [2, 1]
    older = printed(zenith("policy", "versions", "documents", "--before", "2", "--json"))
    assert [each["version"] for each in older["versions"]] == [1]
    shown = zenith("policy", "versions", "documents", "--show", "2")
    assert shown.stdout == FAULTY
    document = printed(zenith("policy", "versions", "documents", "--show", "2", "--json"))
    assert document["source"] == FAULTY

    async def recorded(assembly):
        kind = EventType.POLICY_ACTIVATED
        return [
            (each.event.subject, each.event.reason)
            for each in await SqlAuditStore(assembly.database).page(kind=kind, limit=9)
        ]

    events = in_home(tmp_path, recorded)
    assert [*events[1:]] == [("bob", "more"), ("ada", "the first")]


def test_what_is_not_there_is_not_put_in_force(zenith):
    answer = zenith("policy", "activate", "documents", "--version", "9", "--reason", "x")
    assert answer.exit_code == 1
    assert "no version 9" in answer.stderr
    assert zenith("policy", "versions", "documents").stdout == "no versions of documents\n"


def test_a_new_version_is_tried_on_recorded_decisions(zenith, file, tmp_path):
    old = Policy(
        "documents",
        [
            {
                "action": "read",
                "conditions": [
                    {"attribute": "resource.public", "operator": "equals", "value": False},
                    {"attribute": "subject.id", "operator": "exists"},
                ],
            }
        ],
    )

    async def work(assembly):
        recorder = DecisionRecorder(SqlDecisionStore(assembly.database), clock=lambda: 5.0)
        for public in (True, False):
            facts = ({"id": "ada"}, {"public": public}, None, "read")
            allowed = old.evaluate(*facts[:2], "read")
            recorder.note(old, 1, allowed=allowed, facts=facts)
        await recorder.flush()

    assert zenith("db", "upgrade").exit_code == 0
    in_home(tmp_path, work)
    answer = zenith("policy", "dry-run", str(file))
    assert answer.exit_code == 1
    assert answer.stdout.startswith(
        "2 decisions: 1 would open, 0 would close, 1 cannot be told\n  allowed by public: read {"
    )
    assert "not recorded resource.owner_id" in answer.stdout
    document = printed(zenith("policy", "dry-run", str(file), "--json"), 1)
    assert document["opened"][0]["facts"] == {"resource.public": True, "subject.id": "ada"}
    assert document["undecided"][0]["missing"] == ["resource.owner_id"]
    file.write_text(json.dumps({}))
    assert zenith("policy", "dry-run", str(file)).exit_code == 2
    same = tmp_path / "same.json"
    rule = {
        "action": "read",
        "conditions": [{"attribute": "resource.public", "operator": "equals", "value": False}],
    }
    same.write_text(json.dumps({"name": "documents", "rules": [rule]}))
    assert zenith("policy", "dry-run", str(same)).exit_code == 0
