"""Rules from dictionaries: the guide's, and those with groups, references and more operators.

What is not understood is refused, never skipped: a rule that is half read may allow what it was
written to prevent. Sizes and depths are bounded. The AST keeps nothing of the dictionaries: what
is done to them afterwards changes no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, cast

from zenith.policies.conditions import (
    All,
    Any_,
    Comparison,
    Condition,
    Exists,
    Literal,
    Not,
    Reference,
    Root,
)
from zenith.policies.errors import Path, PolicyError
from zenith.policies.limits import MAX_CONDITIONS, MAX_DEPTH, MAX_RULES
from zenith.policies.operators import OPERATORS
from zenith.policies.rules import EFFECTS, Effect, Rule
from zenith.policies.values import elements_of, plain

Table: TypeAlias = Mapping[str, object]
T = TypeVar("T")

PREFIXES: Final = ("subject.", "resource.", "context.")
"""A text that begins so, as a value, is an attribute; `{"literal": "subject.x"}` is the text."""
RULE_KEYS: Final = frozenset({"name", "description", "action", "effect", "conditions", "fields"})
GROUPS: Final = ("all", "any", "not")
EXISTENCE: Final = ("exists", "missing")


def read_rules(rules: object, path: Path = ("rules",)) -> tuple[Rule, ...]:
    """A list of rules, each a dictionary or a `Rule`. Raises PolicyError that leads to the fault.

    Rules without a name are named by their place: `rule 1`.
    """
    if not isinstance(rules, Sequence) or isinstance(rules, str | bytes):
        raise PolicyError("rules are a list", fix="write rules: [{...}, {...}]", path=path)
    given = cast(Sequence[object], rules)
    if len(given) > MAX_RULES:
        raise PolicyError(
            f"{len(given):,} rules are too many", fix=f"at most {MAX_RULES:,}", path=path
        )
    return tuple(_rule(rule, number, (*path, number)) for number, rule in enumerate(given))


def _rule(given: object, number: int, path: Path) -> Rule:
    if isinstance(given, Rule):
        return given
    rule = _table(given, path, "a rule")
    _check_keys(rule, RULE_KEYS, path, "a rule")
    if "action" not in rule:
        raise PolicyError(
            "the rule has no action", fix='name one, or "*" for every action', path=path
        )
    return _at(
        path,
        lambda: Rule(
            name=cast(str, rule.get("name", f"rule {number + 1}")),
            effect=_effect(rule.get("effect", "allow"), (*path, "effect")),
            actions=_actions(rule["action"], (*path, "action")),
            condition=All(
                _Conditions().read_all(rule.get("conditions", ()), (*path, "conditions"))
            ),
            fields=_fields(rule.get("fields"), (*path, "fields")),
        ),
    )


def _effect(effect: object, path: Path) -> Effect:
    name = plain(effect)
    if name in EFFECTS:
        return cast(Effect, name)
    raise PolicyError(f"{effect!r:.50} is no effect", fix="write allow or deny", path=path)


def _actions(action: object, path: Path) -> frozenset[str] | None:
    name = plain(action)
    if name == "*":
        return None
    return _names(action if name is None else (name,), path, "action")


def _fields(fields: object, path: Path) -> frozenset[str] | None:
    return None if fields is None else _names(fields, path, "field")


def _names(given: object, path: Path, what: str) -> frozenset[str]:
    names = [plain(name) for name in elements_of(given) or ()]
    if not names or not all(isinstance(name, str) and name != "*" for name in names):
        raise PolicyError(
            f"{given!r:.50} is no list of {what}s",
            fix=f'write "{what}" as a text, or a list of texts'
            if what == "action"
            else 'write ["title", "summary"], or leave it out for every field',
            path=path,
        )
    return frozenset(cast(list[str], names))


class _Conditions:
    """Reads the conditions of one rule and counts them, wherever they lie."""

    def __init__(self) -> None:
        self._count = 0

    def read_all(self, given: object, path: Path, depth: int = 1) -> tuple[Condition, ...]:
        if isinstance(given, Mapping):
            return (self._read(cast(object, given), path, depth),)
        conditions = elements_of(given)
        if conditions is None:
            raise PolicyError("conditions are a list", fix="write [{...}, {...}]", path=path)
        return tuple(
            self._read(each, (*path, number), depth) for number, each in enumerate(conditions)
        )

    def _read(self, given: object, path: Path, depth: int) -> Condition:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            raise PolicyError(
                "the rule has too many conditions", fix=f"at most {MAX_CONDITIONS:,}", path=path
            )
        if depth > MAX_DEPTH:
            raise PolicyError(
                "groups lie too deep within each other",
                fix=f"at most {MAX_DEPTH} levels",
                path=path,
            )
        condition = _table(given, path, "a condition")
        for name in GROUPS:
            if name in condition:
                _check_keys(condition, frozenset({name}), path, f"the group `{name}`")
                return self._group(name, condition[name], (*path, name), depth)
        return _comparison(condition, path)

    def _group(self, name: str, given: object, path: Path, depth: int) -> Condition:
        conditions = self.read_all(given, path, depth + 1)
        if not conditions:
            raise PolicyError(f"the group `{name}` is empty", fix="leave it out", path=path)
        if name == "any":
            return Any_(conditions)
        if name == "all":
            return All(conditions)
        return Not(conditions[0] if len(conditions) == 1 else All(conditions))


def _comparison(condition: Table, path: Path) -> Condition:
    operator = condition.get("operator")
    wanted = {"attribute", "operator"} | ({"value"} if operator not in EXISTENCE else set[str]())
    _check_keys(condition, frozenset(wanted), path, "a condition")
    for key in sorted(wanted - condition.keys()):
        raise PolicyError(
            f"the condition has no `{key}`",
            fix='write {"attribute": ..., "operator": ..., "value": ...}',
            path=path,
        )
    left = _attribute(condition["attribute"], (*path, "attribute"))
    if operator == "exists":
        return Exists(left)
    if operator == "missing":
        return Not(Exists(left))
    right = _value(condition["value"], (*path, "value"))
    where = "operator" if not _is_known(operator) else "value"
    return _at((*path, where), lambda: Comparison(cast(str, operator), left, right))


def _attribute(text: object, path: Path) -> Reference:
    if not isinstance(text, str):
        raise PolicyError(
            f"{text!r:.50} is no attribute", fix="write it as text: resource.owner_id", path=path
        )
    root, *names = text.split(".")
    return _at(path, lambda: Reference(cast(Root, root), tuple(names)))


def _value(value: object, path: Path) -> Reference | Literal:
    if isinstance(value, str) and value.startswith(PREFIXES):
        return _attribute(value, path)
    if isinstance(value, Mapping):
        table = cast(Table, value)
        return Literal(table["literal"] if list(table) == ["literal"] else table)
    elements = elements_of(value)
    return Literal(value if elements is None else [_element(each, path) for each in elements])


def _element(value: object, path: Path) -> object:
    if isinstance(value, str) and value.startswith(PREFIXES):
        raise PolicyError(
            f"a list holds values, not attributes such as {value!r:.100}",
            fix='compare with each in a group `any`; the text itself is {"literal": [...]}',
            path=path,
        )
    return value


def _is_known(operator: object) -> bool:
    return isinstance(operator, str) and operator in OPERATORS


def _table(given: object, path: Path, what: str) -> Table:
    if not isinstance(given, Mapping):
        raise PolicyError(
            f"{given!r:.50} is not {what}", fix="write a dictionary: {...}", path=path
        )
    return cast(Table, given)


def _check_keys(given: Table, known: frozenset[str], path: Path, what: str) -> None:
    for key in given:
        if key not in known:
            raise PolicyError(
                f"{what} has no {key!r:.50}",
                fix="choose among " + ", ".join(sorted(known)),
                path=(*path, key) if isinstance(cast(object, key), str) else path,
            )


def _at(path: Path, make: Callable[[], T]) -> T:
    """What `make` returns; an error that does not know where it is is told."""
    try:
        return make()
    except PolicyError as error:
        if error.path:
            raise
        raise PolicyError(error.problem, fix=error.fix, path=path) from None
