"""Finding the rule that decides, without asking every rule.

Rules are looked up by action, then by the attributes that they compare with literals for equality:
with a thousand rules for a thousand kinds of resources, one is asked. What cannot be looked up is
asked in turn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

from zenith.kernel.records import dataclass
from zenith.policies.compilation import Check, compile_rule
from zenith.policies.conditions import Comparison, Literal, Reference
from zenith.policies.facts import Facts, Read, reader
from zenith.policies.rules import Rule
from zenith.policies.values import Plain, kind_of, plain

Key: TypeAlias = str | tuple[str, Plain]
"""A text stands for itself, any other value beside its kind: `True` is not `1`."""
NONE: Final = 1 << 62
"""Comes after the number of every rule."""
FEW: Final = 4
"""So many rules are asked in turn rather than looked up."""
MAX_KEYS: Final = 8
"""A rule with a longer list of values is not looked up by it."""
MAX_TABLES: Final = 4
MAX_LEVELS: Final = 2
"""Tables below tables: a rule with lists of values stands in several groups of each."""


class Entry(NamedTuple):
    """A rule as the index asks it."""

    number: int
    satisfied: Check
    keys: Mapping[Reference, frozenset[Key]]
    """What must be equal to one of which values for the rule to be satisfied."""


@dataclass(frozen=True, slots=True)
class Node:
    """Rules to be asked in turn, and tables that lead to further rules."""

    entries: tuple[tuple[int, Check], ...]
    tables: tuple[tuple[Read, Mapping[Key, Node]], ...] = ()

    def first(self, facts: Facts, best: int = NONE) -> int:
        """The lowest number of a satisfied rule, if it is below `best`, else `best`."""
        for number, satisfied in self.entries:
            if satisfied(facts) is True:
                best = min(best, number)
                break
        for read, table in self.tables:
            value = read(facts)
            key = value if type(value) is str else _key(value)
            if key is not None and (child := table.get(key)) is not None:
                best = child.first(facts, best)
        return best


class Index:
    """Some of a policy's rules, by action."""

    __slots__ = ("_any_action", "_by_action")

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        by_action: defaultdict[str, list[Entry]] = defaultdict(list)
        any_action: list[Entry] = []
        for number, rule in rules:
            entry = Entry(number, compile_rule(rule), _keys(rule))
            if rule.actions is None:
                any_action.append(entry)
            else:
                for action in rule.actions:
                    by_action[action].append(entry)
        self._by_action: Final = {action: _node(found) for action, found in by_action.items()}
        self._any_action: Final = _node(any_action) if any_action else None

    def first(self, facts: Facts) -> int:
        """The number of the first satisfied rule for the action, or `NONE`."""
        node = self._by_action.get(facts[3])
        best = NONE if node is None else node.first(facts)
        return best if self._any_action is None else self._any_action.first(facts, best)


def _key(value: object) -> Key | None:
    found = plain(value)
    if found is None or type(found) is str:
        return found
    return kind_of(found), found


def _keys(rule: Rule) -> Mapping[Reference, frozenset[Key]]:
    keys: dict[Reference, frozenset[Key]] = {}
    for condition in rule.condition.conditions:
        if isinstance(condition, Comparison) and isinstance(condition.right, Literal):
            value = condition.right.value
            if condition.operator == "equals":
                keys[condition.left] = frozenset({cast(Key, _key(value))})
            elif condition.operator == "in":
                values = cast(tuple[object, ...], value)
                if len(values) <= MAX_KEYS:
                    keys[condition.left] = frozenset(cast(Key, _key(each)) for each in values)
    return keys


def _node(entries: Sequence[Entry], above: frozenset[Reference] = frozenset()) -> Node:
    # Tables side by side do not multiply, those below each other do: `above` counts these.
    rest = list(entries)
    tables: list[tuple[Read, Mapping[Key, Node]]] = []
    used = set(above)
    while len(rest) > FEW and len(tables) < MAX_TABLES and len(above) < MAX_LEVELS:
        reference = _best(rest, used)
        if reference is None:
            break
        used.add(reference)
        groups: defaultdict[Key, list[Entry]] = defaultdict(list)
        for entry in rest:
            for key in entry.keys.get(reference, ()):
                groups[key].append(entry)
        rest = [entry for entry in rest if reference not in entry.keys]
        below = above | {reference}
        tables.append(
            (reader(reference), {key: _node(found, below) for key, found in groups.items()})
        )
    return Node(tuple((entry.number, entry.satisfied) for entry in rest), tuple(tables))


def _best(entries: Sequence[Entry], used: set[Reference]) -> Reference | None:
    """The attribute that spares the most questions: many rules in small groups."""
    covered: Counter[Reference] = Counter()
    groups: defaultdict[Reference, Counter[Key]] = defaultdict(Counter)
    for entry in entries:
        for reference, keys in entry.keys.items():
            if reference not in used:
                covered[reference] += 1
                groups[reference].update(keys)
    best, spared = None, FEW - 1
    for reference, count in covered.items():
        saving = count - max(groups[reference].values(), default=0)
        if saving > spared:
            best, spared = reference, saving
    return best
