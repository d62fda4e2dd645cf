"""Settings of what logs may hold."""

from __future__ import annotations

from dataclasses import dataclass

from zenith.kernel.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSettings:
    """What is taken out of logs beside what looks like a secret. Checked at construction."""

    secret_names: tuple[str, ...] = ()
    """Further names whose values are secret in logs and audit details, such as `iban`: those that
    no model of yours marks as `Sensitive`, or that other libraries use."""

    def __post_init__(self) -> None:
        if not all(name.strip() for name in self.secret_names):
            raise ConfigurationError("logs.secret_names has an empty name", fix="leave it out")
