"""A policy: rules, and the decisions that follow from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, cast

from zenith.authorization.decision import Decision
from zenith.kernel.principal import Principal
from zenith.policies.compilation import Check
from zenith.policies.errors import Path, PolicyError
from zenith.policies.explanation import Explanation, explain
from zenith.policies.facts import Facts
from zenith.policies.index import NONE, Index
from zenith.policies.mask import Mask
from zenith.policies.reading import read_rules
from zenith.policies.rules import COMBINATIONS, Combine, Rule, check_name
from zenith.policies.values import plain

NO_CONTEXT: Final[Mapping[str, object]] = MappingProxyType({})
MAX_EXPLAINED: Final = 20
"""Rules that the reason of a denial lists."""


class Policy:
    """Rules, compiled once. What no rule allows is denied.

    Threat: access that nobody granted, by a missing attribute, a value of another type, a rule
    that was misread (ASVS 8.2.2, 8.3.1). `rules` are dictionaries or `Rule`s. A satisfied rule
    that denies overrides every rule that allows, wherever it stands; `combine="first-match"`
    lets the first satisfied rule decide instead.

    `subject`, `resource` and `context` are mappings or objects; a subject is most often the
    `Principal`. Attributes are what they store: no property and no method of theirs is run.

    Raises PolicyError for rules that cannot be understood.
    """

    __slots__ = ("_allows", "_checks", "_combine", "_denies", "_masks", "_name", "_rules")

    def __init__(
        self,
        name: str,
        rules: Sequence[Mapping[str, Any] | Rule],
        *,
        combine: Combine = "deny-overrides",
    ) -> None:
        self._name: Final = check_name(name, "policy")
        if combine not in COMBINATIONS:
            raise PolicyError(
                f"policy `{name}`: {combine!r:.50} is no way to combine rules",
                fix="choose one of " + ", ".join(COMBINATIONS),
            )
        self._combine: Final[Combine] = combine
        try:
            self._rules: Final = read_rules(rules)
            _check(self._rules)
        except PolicyError as error:
            raise PolicyError(
                f"policy `{name}`{_words(error.path, rules)}: {error.problem}",
                fix=error.fix,
                path=error.path,
            ) from None
        self._checks: Final[dict[str, tuple[Check, ...]]] = {}
        self._masks: Final[dict[str, Mask]] = {}
        deciding = [(number, rule) for number, rule in enumerate(self._rules) if rule.decides]
        if combine == "first-match":
            self._denies, self._allows = None, Index(deciding)
        else:
            denies = [found for found in deciding if found[1].effect == "deny"]
            self._denies = Index(denies) if denies else None
            self._allows = Index(found for found in deciding if found[1].effect == "allow")

    @property
    def name(self) -> str:
        """As logs and errors say it."""
        return self._name

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in their order."""
        return self._rules

    @property
    def combine(self) -> Combine:
        """What decides where several rules are satisfied."""
        return self._combine

    def evaluate(
        self,
        subject: object,
        resource: object,
        action: str,
        context: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether `subject` may do `action` on `resource`."""
        if type(action) is not str:
            action = _name(action)
        rule = self._decide((subject, resource, NO_CONTEXT if context is None else context, action))
        return rule is not None and rule.effect == "allow"

    def explain(
        self,
        subject: object,
        resource: object,
        action: str,
        context: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """The same decision, with what every rule for the action says. Slower: all are asked."""
        facts = _facts(subject, resource, action, context)
        return explain(self._name, self._rules, self._combine, facts, known=self._checks)

    async def authorize(
        self, principal: Principal, action: str, resource: Any, context: Mapping[str, Any]
    ) -> Decision:
        """The decision for a request, with its reason for the audit log (ASVS 16.3.2)."""
        facts = _facts(principal, resource, action, context)
        rule = self._decide(facts)
        if rule is not None and rule.effect == "allow":
            return Decision(allowed=True, reason=f"policy {self._name}: {rule.name}")
        # A rule that denies is explained alone, else the first rules that might have allowed.
        rules = self._rules if rule is None else (rule,)
        found = explain(
            self._name, rules, self._combine, facts, known=self._checks, at_most=MAX_EXPLAINED
        )
        return Decision(allowed=False, detail=found.detail, reason=found.reason)

    def where(
        self,
        subject: object,
        action: str,
        model: Any,
        context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The rows of `model` on which `subject` may do `action`, as a condition of SQLAlchemy:
        see `zenith.policies.where`. Raises PolicyError for what SQL cannot say exactly.
        """
        # Whoever has no queries need not wait for SQLAlchemy.
        from zenith.policies.where import where  # noqa: PLC0415

        return where(self, subject, action, model, context)

    def mask(
        self,
        subject: object,
        objects: Sequence[Any],
        action: str = "read",
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The fields of each object that `subject` may see: see `zenith.policies.mask`."""
        mask = self._masks.get(action)
        if mask is None:
            mask = Mask(self._rules, self._combine, action)
            if any(action in (rule.actions or ()) for rule in self._rules):
                # As many as the rules name; others may be anything that a client sends.
                self._masks[action] = mask
        return mask.apply(subject, objects, action, context)

    def _decide(self, facts: Facts) -> Rule | None:
        number = NONE if self._denies is None else self._denies.first(facts)
        if number == NONE:
            number = self._allows.first(facts)
        return None if number == NONE else self._rules[number]

    def __repr__(self) -> str:
        return f"Policy({self._name!r}, {len(self._rules)} rules, combine={self._combine!r})"


def _facts(subject: object, resource: object, action: str, context: object) -> Facts:
    return subject, resource, NO_CONTEXT if context is None else context, _name(action)


def _name(action: object) -> str:
    name = plain(action)
    if isinstance(name, str):
        return name
    raise TypeError(f"an action is a text, not {type(action).__name__}")


def _check(rules: Sequence[Rule]) -> None:
    names: set[str] = set()
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for number, rule in enumerate(rules):
        if rule.name in names:
            raise PolicyError(
                f"there are two rules `{rule.name}`",
                fix="give each a name of its own, or none",
                path=("rules", number, "name"),
            )
        names.add(rule.name)
        for action in rule.actions or ():
            found = spellings[action.casefold()]
            found.add(action)
            if len(found) > 1:
                raise PolicyError(
                    "actions differ in case only: " + ", ".join(sorted(found)),
                    fix="spell an action in one way; names are compared exactly",
                    path=("rules", number, "action"),
                )


def _words(path: Path, rules: object) -> str:
    """`, rule 2 (owners), condition 1`."""
    words = ""
    for key, following in pairwise(path):
        if isinstance(following, int):
            what = {"rules": "rule", "conditions": "condition"}.get(str(key), str(key))
            words += f", {what} {following + 1}"
            if key == "rules":
                words += _given_name(cast(Sequence[object], rules)[following])
    return words


def _given_name(rule: object) -> str:
    name = cast(Mapping[str, object], rule).get("name") if isinstance(rule, Mapping) else None
    return f" ({name:.50})" if isinstance(name, str) and name.isprintable() else ""
