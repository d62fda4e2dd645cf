"""What those are told who have to show that a person is there."""

from __future__ import annotations

from zenith.abuse.challenges.provider import Widget
from zenith.kernel.errors import PermissionDeniedError


class ChallengeRequiredError(PermissionDeniedError):
    """The request needs the token of a challenge, or brought one that does not hold.

    Programs find in `challenge` who asks, for what, and the name of the field.
    """

    code, title = "challenge_required", "Show that you are a person"

    def __init__(self, widget: Widget, *, reason: str = "") -> None:
        super().__init__("Complete the challenge and send the form again", reason=reason)
        self.widget = widget
        self.extensions = {
            "challenge": {
                "provider": widget.provider,
                "site_key": widget.site_key,
                "action": widget.action,
                "field": widget.token_field,
            }
        }
