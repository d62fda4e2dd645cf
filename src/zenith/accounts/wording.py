"""What the mails of accounts say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenith.mail import Wording

_WHERE: Final = "It came from {device}, network address {address}, on {when}."
_NOT_YOU: Final = (
    "If this was not you, set a new password at once: it ends every session of your account."
)
_IGNORE: Final = "If you did not ask for this, ignore this mail. Nothing changes."
_SEEN: Final = ("device", "address", "when")

WORDINGS: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "verify_email": Wording(
            subject="Confirm your e-mail address",
            paragraphs=(
                (
                    "Somebody registered with this e-mail address. If it was you, confirm that"
                    " the address is yours. The link works once and for {lifetime}."
                ),
                (
                    "If it was not you, do not follow the link: without it the account cannot be"
                    " used in your name."
                ),
            ),
            button="Confirm the address",
            facts=("lifetime",),
        ),
        "account_exists": Wording(
            subject="You already have an account",
            paragraphs=(
                (
                    "Somebody tried to register with this e-mail address, which has an account"
                    " already. If it was you, sign in with your password, or set a new one. The"
                    " link works once and for {lifetime}."
                ),
                _IGNORE,
            ),
            button="Set a new password",
            facts=("lifetime",),
        ),
        "reset_password": Wording(
            subject="Set a new password",
            paragraphs=(
                (
                    "You can now set a new password for your account. The link works once and for"
                    " {lifetime}. It ends every session and API key of your account."
                ),
                _IGNORE,
            ),
            button="Set a new password",
            facts=("lifetime",),
        ),
        "confirm_new_email": Wording(
            subject="Confirm your new e-mail address",
            paragraphs=(
                (
                    "Somebody with an account here wants to use this e-mail address from now on."
                    " If it was you, confirm it. The link works once and for {lifetime}."
                ),
                _IGNORE,
            ),
            button="Use this address",
            facts=("lifetime",),
        ),
        "email_taken": Wording(
            subject="This address has an account already",
            paragraphs=(
                (
                    "Somebody with another account wanted to use this e-mail address for it."
                    " Nothing has changed: an address has one account."
                ),
                "If it was you, sign in to the account of this address instead.",
            ),
        ),
        "email_change_asked": Wording(
            subject="A new e-mail address was asked for",
            paragraphs=(
                (
                    "Somebody signed in to your account wants to use another e-mail address for"
                    " it, and was sent a link to confirm it."
                ),
                _WHERE,
                _NOT_YOU,
            ),
            facts=_SEEN,
        ),
        "email_changed": Wording(
            subject="Your e-mail address has changed",
            paragraphs=(
                "Your account uses another e-mail address from now on. Mail no longer comes here.",
                (
                    "If this was not you, take the account back. The link works once and for"
                    " {lifetime}: it brings this address back, ends every session and API key, and"
                    " removes the present password and what was added lately to sign in with."
                ),
            ),
            button="This was not me",
            facts=("lifetime",),
        ),
        "email_is_new": Wording(
            subject="This is your e-mail address now",
            paragraphs=("Your account uses this e-mail address from now on. Sign in with it.",),
        ),
        "email_reverted": Wording(
            subject="Your account is yours again",
            paragraphs=(
                (
                    "This e-mail address is back. Every session and API key has ended; the password"
                    " is gone, and so are linked sign-ins and what was added lately to sign in"
                    " with. Set a new password. The link works once and for {lifetime}."
                ),
                (
                    "Then look at the second factors of your account, and remove what is not yours:"
                    " older ones are still asked for, but none of them opens the account alone."
                ),
            ),
            button="Set a new password",
            facts=("lifetime",),
        ),
        "password_changed": Wording(
            subject="Your password has changed",
            paragraphs=("The password of your account was changed.", _WHERE, _NOT_YOU),
            facts=_SEEN,
        ),
        "password_reset": Wording(
            subject="Your password was set anew",
            paragraphs=(
                (
                    "The password of your account was set anew with a link by mail. Every session"
                    " and API key has ended."
                ),
                _WHERE,
                _NOT_YOU,
            ),
            facts=_SEEN,
        ),
        "account_deleted": Wording(
            subject="Your account is deleted",
            paragraphs=("Your account and what belongs to it are deleted. This cannot be undone.",),
        ),
        "new_device": Wording(
            subject="New sign-in",
            paragraphs=(
                "Your account was signed in on a device we had not seen.",
                _WHERE,
                _NOT_YOU,
            ),
            facts=_SEEN,
        ),
        "factor_added": Wording(
            subject="A way to sign in was added",
            paragraphs=("{factor} was added to your account.", _WHERE, _NOT_YOU),
            facts=("factor", *_SEEN),
        ),
        "factor_removed": Wording(
            subject="A way to sign in was removed",
            paragraphs=("{factor} was removed from your account.", _WHERE, _NOT_YOU),
            facts=("factor", *_SEEN),
        ),
        "identity_linked": Wording(
            subject="A sign-in provider was linked",
            paragraphs=("{provider} can now sign in to your account.", _WHERE, _NOT_YOU),
            facts=("provider", *_SEEN),
        ),
        "identity_unlinked": Wording(
            subject="A sign-in provider was unlinked",
            paragraphs=("{provider} can no longer sign in to your account.", _WHERE, _NOT_YOU),
            facts=("provider", *_SEEN),
        ),
        "refresh_token_reused": Wording(
            subject="A sign-in was ended for your safety",
            paragraphs=(
                (
                    "A credential of one of your sign-ins was used twice, as happens when it is"
                    " copied. That sign-in has ended."
                ),
                _WHERE,
                _NOT_YOU,
            ),
            facts=_SEEN,
        ),
        "session_elsewhere": Wording(
            subject="A sign-in was ended for your safety",
            paragraphs=(
                (
                    "One of your sign-ins was used from another device or network than where it"
                    " began. It has ended."
                ),
                _WHERE,
                _NOT_YOU,
            ),
            facts=_SEEN,
        ),
        "devices_locked_out": Wording(
            subject="Somebody tries to guess your password",
            paragraphs=(
                (
                    "Many attempts to sign in to your account have failed. For a while only devices"
                    " on which you have signed in before can sign in; a new device has to wait, or"
                    " can reset the password."
                ),
                "Nobody got in. If your password is also used elsewhere, change it.",
            ),
        ),
        "account_locked": Wording(
            subject="Your account is locked",
            paragraphs=("Your account was locked, and all its sessions have ended.", "{reason}"),
            facts=("reason",),
        ),
        "recovery_codes_renewed": Wording(
            subject="Your recovery codes are new",
            paragraphs=(
                "Recovery codes were made for your account. Those from before are void.",
                _WHERE,
                _NOT_YOU,
            ),
            facts=_SEEN,
        ),
        "api_key_rotated": Wording(
            subject="An API key was replaced",
            paragraphs=(
                "The API key {name} of your account has a successor. The old one {ends}.",
                _WHERE,
                _NOT_YOU,
            ),
            facts=("name", "ends", *_SEEN),
        ),
        "api_key_created": Wording(
            subject="An API key was made",
            paragraphs=("An API key, {name}, was made for your account.", _WHERE, _NOT_YOU),
            facts=("name", *_SEEN),
        ),
    }
)
"""Every notice. What a button does is said beside it; whoever gets a mail may not be its owner."""
