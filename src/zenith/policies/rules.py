"""Rules: who may do what under which conditions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field
from typing import Final, TypeAlias
from typing import Literal as OneOf

from zenith.kernel.records import dataclass
from zenith.policies.conditions import All, check_size
from zenith.policies.errors import PolicyError
from zenith.policies.limits import MAX_NAME, MAX_NAMES
from zenith.policies.values import plain

Effect: TypeAlias = OneOf["allow", "deny"]
Combine: TypeAlias = OneOf["deny-overrides", "first-match"]
EFFECTS: Final = ("allow", "deny")
COMBINATIONS: Final = ("deny-overrides", "first-match")
EVERYTHING: Final = All(())


@dataclass(frozen=True, slots=True)
class Rule:
    """`effect` applies to `actions`, compared exactly, if `condition` is true.

    `fields` narrows the rule to some fields of the resource: an allow rule then allows the action
    and shows these fields only, a deny rule hides these fields and denies nothing else.
    """

    name: str
    effect: Effect
    actions: frozenset[str] | None
    """None is every action, `*`."""
    condition: All = field(default=EVERYTHING)
    fields: frozenset[str] | None = None
    """None is every field."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", check_name(self.name, "rule"))
        if self.effect not in EFFECTS:
            raise PolicyError(f"`{self.effect!s:.50}` is no effect", fix="write allow or deny")
        if type(self.condition) is not All:
            object.__setattr__(self, "condition", All((self.condition,)))
        check_size(self.condition)
        object.__setattr__(self, "actions", _names(self.actions, "action"))
        object.__setattr__(self, "fields", _names(self.fields, "field"))

    @property
    def decides(self) -> bool:
        """Whether the rule takes part in decisions: a deny rule for some fields only masks."""
        return self.effect == "allow" or self.fields is None


def check_name(name: object, what: str) -> str:
    """`name` if it is a text that can stand in a log; raises PolicyError."""
    text = plain(name)
    if isinstance(text, str) and text.strip() and text.isprintable() and len(text) <= MAX_NAME:
        return text
    raise PolicyError(
        f"{name!r:.50} is no name of a {what}",
        fix=f"give a text of 1 to {MAX_NAME} printable characters",
    )


def _names(names: Collection[str] | None, what: str) -> frozenset[str] | None:
    if names is None:
        return None
    if isinstance(names, str) or not names:
        raise PolicyError(f"the rule names no {what}", fix=f"give a list of {what}s")
    if len(names) > MAX_NAMES:
        raise PolicyError(f"the rule names too many {what}s", fix=f"at most {MAX_NAMES:,}")
    return frozenset(check_name(name, what) for name in names)
