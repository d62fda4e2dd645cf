from __future__ import annotations

import json
import re
import sys
from datetime import UTC, date, datetime

import pytest

from zenith.policies import (
    Comparison,
    Literal,
    Policy,
    PolicyError,
    load_policies,
    policy_schema,
    read_policies,
)
from zenith.policies.documents import read_json
from zenith.policies.operators import OPERATORS
from zenith.policies.yaml_documents import read_yaml

YAML = """\
# Who may read what.
name: documents
combine: first-match
rules:
  - name: own
    action: [read, write]
    conditions:
      - {attribute: subject.id, operator: equals, value: resource.owner_id}
      - attribute: context.now
        operator: time_between
        value: {from: 09:00, to: "17:30", zone: Europe/Berlin}
  - action: "*"
    effect: deny
"""
JSON = json.dumps(
    {
        "$schema": "policy.schema.json",
        "name": "documents",
        "combine": "first-match",
        "rules": [
            {
                "name": "own",
                "action": ["read", "write"],
                "conditions": [
                    {"attribute": "subject.id", "operator": "equals", "value": "resource.owner_id"},
                    {
                        "attribute": "context.now",
                        "operator": "time_between",
                        "value": {"from": "09:00", "to": "17:30", "zone": "Europe/Berlin"},
                    },
                ],
            },
            {"action": "*", "effect": "deny"},
        ],
    },
    indent=2,
)
WRONG_YAML = """\
policies:
  - name: one
    rules: []
  - name: two
    rules:
      - action: read
        conditions:
          - any:
              - attribute: resource.x
                operator: like
                value: a
"""
WRONG_JSON = """\
{"policies": [
  {"name": "two", "rules": [
    {"action": "read", "conditions": [
      {"attribute": "resource.x",
       "operator": "like", "value": "a"}
    ]}
  ]}
]}"""


def test_both_formats_hold_the_same(tmp_path):
    for name, text in (("a.yaml", YAML), ("a.YML", "\ufeff" + YAML), ("a.json", JSON)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        (policy,) = load_policies(path)
        assert policy.name == "documents"
        assert policy.combine == "first-match"
        assert policy.rules == read_policies(YAML, "yaml")[0].rules
    assert policy.evaluate(
        {"id": 1}, {"owner_id": 1}, "read", {"now": datetime(2026, 11, 22, 9, tzinfo=UTC)}
    )


def test_several_policies_in_one_file():
    text = "policies:\n- {name: a, rules: []}\n- {name: b, rules: []}\n"
    assert [policy.name for policy in read_policies(text, "yaml")] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "form", "line", "column", "words"),
    [
        (
            WRONG_YAML,
            "yaml",
            10,
            17,
            "policy `two`, rule 1, condition 1, any 1: there is no operator",
        ),
        (WRONG_JSON, "json", 5, 8, "policy `two`, rule 1, condition 1: there is no operator"),
    ],
)
def test_an_error_points_to_its_line_and_column(text, form, line, column, words):
    with pytest.raises(PolicyError) as raised:
        read_policies(text, form, source="rules." + form)
    assert (raised.value.line, raised.value.column) == (line, column)
    assert str(raised.value).startswith(f"rules.{form}:{line}:{column}: {words}")
    assert "starts_with" in raised.value.fix


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("name: x\nname: y", 2, 1, "'name' is there twice"),
        ("a: &x 1", 1, 4, "anchors"),
        ("a: &x [1]", 1, 4, "anchors"),
        ("a: *x", 1, 4, "aliases"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "tags"),
        ("a: !!python/name:os.system x", 1, 4, "tags"),
        ("a: !!str 1", 1, 4, "tags"),
        ("a: ! 1", 1, 4, "tags"),
        ("--- 1\n--- 2", 2, 1, "further documents"),
        ("%YAML 1.1\n--- 1", 1, 1, "directives"),
        ("%TAG ! tag:x,2000:\n--- 1", 1, 1, "directives"),
        ("a: " + "[" * 1000, 1, 83, "too deep"),
        ("x:\n  y: no", 2, 6, "different readers"),
        ("- 010", 1, 3, "different readers"),
        ("- 0x1F", 1, 3, "different readers"),
        ("- 1_000", 1, 3, "different readers"),
        ("- .nan", 1, 3, "different readers"),
        ("- -.inf", 1, 3, "different readers"),
        ("- 5.", 1, 3, "different readers"),
        ("- 1e5", 1, 3, "different readers"),
        ("- 1.5e3", 1, 3, "different readers"),
        ("- 1.e+3", 1, 3, "different readers"),
        ("- 01.5", 1, 3, "different readers"),
        ("- 22:30", 1, 3, "different readers"),
        ("- 9:00:00", 1, 3, "different readers"),
        ("- 0:30.5", 1, 3, "different readers"),
        ("- =", 1, 3, "different readers"),
        ("- <<", 1, 3, "different readers"),
        ("- 1.0e+999", 1, 3, "too large"),
        ("- " + "1" * 1001, 1, 3, "too long"),
        ("? [a]\n: b", 1, 3, "a key is no text"),
        ("- 2026-13-01", 1, 3, "no date"),
        ("- 2026-01-01T99:00:00Z", 1, 3, "no date"),
        ("a: b: c", 1, 5, "no YAML"),
        ("a: 'b", 1, 6, "no YAML"),
        ("a: \x00", 1, 1, "no YAML"),
        ("", 1, 1, "holds no policy"),
        ("- 1", 1, 1, "holds no policy"),
        ("name: x\nrules: []\nfoo: 1", 3, 1, "a policy has no 'foo'"),
        ("name: x", 1, 1, "has no `rules`"),
        ("rules: []", 1, 1, "has no `name`"),
        ("name: 5\nrules: []", 1, 1, "no name of a policy"),
        ("policies: 5", 1, 1, "no list"),
        ("policies: []\nname: x", 2, 1, "beside `policies`"),
        ("policies:\n- a", 2, 3, "no policy"),
        ("policies:\n- name: a\n  rules: []\n- name: a\n  rules: []", 4, 3, "two policies `a`"),
        ("name: x\nrules:\n- effect: deny", 3, 3, "no action"),
        ("name: x\nrules:\n- action: a\n  conditions:\n  - 5", 5, 5, "not a condition"),
        ("<<: {name: x}\nrules: []", 1, 1, "no '<<'"),
    ],
)
def test_yaml_that_could_be_misread_is_refused(text, line, column, words):
    with pytest.raises(PolicyError, match=re.escape(words)) as raised:
        read_policies(text, "yaml")
    assert (raised.value.line, raised.value.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{"a": 1,\n"a": 2}', 2, 1, "'a' is there twice"),
        ('{"a": NaN}', 1, 7, "value is missing"),
        ("-Infinity", 1, 1, "value is missing"),
        ("[1e999]", 1, 2, "too large"),
        ("[" + "1" * 1001 + "]", 1, 2, "too long"),
        ("[" * 1000, 1, 81, "too deep"),
        ('{"a":' * 1000, 1, 401, "too deep"),
        ("", 1, 1, "value is missing"),
        ('{"a" 1}', 1, 6, "colon is missing"),
        ('{"a": 1,}', 1, 9, "name is missing"),
        ("{1: 2}", 1, 2, "name is missing"),
        ("[1\n 2]", 2, 2, "comma or `]`"),
        ('{"a": 1 "b": 2}', 1, 9, "comma or `}`"),
        ("[1,]", 1, 4, "value is missing"),
        ("[", 1, 2, "value is missing"),
        ("{} {}", 1, 4, "after the end"),
        ('["a\nb"]', 1, 4, "control character"),
        ('"abc', 1, 1, "Unterminated"),
        ("[01]", 1, 3, "comma"),
        ("// x", 1, 1, "value is missing"),
    ],
)
def test_malformed_json_is_refused_where_it_is(text, line, column, words):
    with pytest.raises(PolicyError, match=re.escape(words)) as raised:
        read_policies(text, "json")
    assert (raised.value.line, raised.value.column) == (line, column)


def test_values_are_what_they_look_like():
    text = """[null, ~, true, False, 0, -7, 1.5, 1.0e+3, text, "no", '1', 2026-01-31, 09:00,
      2026-01-31T10:00:00+01:00, {}, [], "x: y", 1.2.3]"""
    assert read_yaml(text).value == [
        None,
        None,
        True,
        False,
        0,
        -7,
        1.5,
        1000.0,
        "text",
        "no",
        "1",
        date(2026, 1, 31),
        "09:00",
        datetime(2026, 1, 31, 9, tzinfo=UTC),
        {},
        [],
        "x: y",
        "1.2.3",
    ]
    values = [None, True, False, 0, -7, 1.5, 1e3, 'té\n"x"', {}, [], {"a": [1, {"b": None}]}]
    for indent in (None, 2):
        assert read_json(json.dumps(values, indent=indent)).value == values
    assert read_json("7").place_of(("a",)) == (1, 1)


def test_dates_of_a_file_are_dates_of_its_rules():
    condition = "{attribute: resource.day, operator: before, value: 2026-12-31}"
    text = f"name: x\nrules:\n- action: a\n  conditions: {condition}\n"
    (rule,) = read_policies(text, "yaml")[0].rules
    (comparison,) = rule.condition.conditions
    assert isinstance(comparison, Comparison)
    assert comparison.right == Literal(date(2026, 12, 31))


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(tmp_path / "none")
    named = tmp_path / "policy.toml"
    named.touch()
    with pytest.raises(PolicyError, match="suffix"):
        load_policies(named)
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(str(tmp_path / "none.yaml"))
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: x\n# \xe9\n")
    with pytest.raises(PolicyError, match=r"latin\.yaml:2: is not in UTF-8"):
        load_policies(latin)
    with pytest.raises(PolicyError, match="too large"):
        read_policies(" " * (16 * 1024 * 1024 + 1), "json")


def test_without_pyyaml_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(PolicyError, match="policies"):
        read_policies(YAML, "yaml")


def test_without_libyaml_the_result_is_the_same(monkeypatch):
    import yaml

    monkeypatch.delattr(yaml, "CSafeLoader")
    assert read_policies(YAML, "yaml")[0].rules[0].name == "own"


def test_many_policies_load():
    """A tenth of what must load within a few seconds; see the benchmark for the rest."""
    policies = [
        {
            "name": f"p{number}",
            "rules": [
                {
                    "action": "read",
                    "conditions": [
                        {"attribute": "resource.kind", "operator": "equals", "value": f"k{number}"}
                    ],
                }
            ],
        }
        for number in range(1000)
    ]
    found = read_policies(json.dumps({"policies": policies}), "json")
    assert len(found) == 1000
    assert isinstance(found[-1], Policy)
    assert found[-1].evaluate({}, {"kind": "k999"}, "read")


class TestSchema:
    """What the schema says is what the reader knows."""

    SCHEMA = policy_schema()
    PARTS = SCHEMA["$defs"]

    def test_nobody_changes_that_of_others(self):
        policy_schema()["$defs"].clear()
        assert policy_schema() == self.SCHEMA

    def test_operators(self):
        compare, exist, *groups = self.PARTS["condition"]["oneOf"]
        assert compare["properties"]["operator"]["enum"] == list(OPERATORS)
        assert exist["properties"]["operator"]["enum"] == ["exists", "missing"]
        assert [group["required"] for group in groups] == [["all"], ["any"], ["not"]]

    def test_keys(self):
        from zenith.policies.files import KEYS
        from zenith.policies.reading import RULE_KEYS

        assert set(self.PARTS["rule"]["properties"]) == RULE_KEYS
        assert set(self.PARTS["policy"]["properties"]) == KEYS

    def test_attributes(self):
        pattern = self.PARTS["attribute"]["pattern"]
        for text, is_one in (
            ("resource.owner_id", True),
            ("subject.team.id", True),
            ("action.name", True),
            ("user.id", False),
            ("resource._x", False),
            ("resource.", False),
        ):
            assert bool(re.fullmatch(pattern, text)) is is_one
            rule = {"action": "a", "conditions": {"attribute": text, "operator": "exists"}}
            if is_one:
                Policy("p", [rule])
            else:
                with pytest.raises(PolicyError):
                    Policy("p", [rule])

    def test_references_within_lead_somewhere(self):
        for target in re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(self.SCHEMA)):
            assert target in self.PARTS
