"""What those are told who tried too often."""

from __future__ import annotations

from zenith.abuse.proof_of_work import Challenge
from zenith.kernel.errors import RateLimitError, ValidationError


class ProofRequiredError(RateLimitError):
    """The next attempt needs a proof of work, or a wait of `retry_after` seconds.

    Programs find the `challenge` in the problem document and send its solution as `altcha`.
    """

    code = "proof_of_work_required"

    def __init__(self, challenge: Challenge, *, retry_after: float, reason: str = "") -> None:
        super().__init__(
            "Too many attempts. Solve the challenge and try again, or wait",
            retry_after=retry_after,
            reason=reason,
        )
        self.challenge = challenge
        self.extensions = {"challenge": challenge.as_json()}


class DisposableEmailError(ValidationError):
    """The address is of a service that hands out mailboxes for minutes."""

    code = "disposable_email"

    def __init__(self) -> None:
        super().__init__("Use an e-mail address that you keep: this one is handed out to anybody")
