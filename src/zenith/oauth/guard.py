"""The guard that receives answers that a provider sends as a form of another site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode

from zenith.kernel.errors import BadRequestError
from zenith.oauth.errors import FormAnswerError
from zenith.oauth.provider import Provider
from zenith.pipeline import Exchange, Guard, Stage

MAX_FORM: Final = 16 * 1024
MAX_FIELDS: Final = 20
CARRIED: Final = ("state", "code", "error", "iss")
FORM: Final = "application/x-www-form-urlencoded"


class FormAnswerGuard(Guard):
    """Threat: a route that must take forms of a foreign site, with a cookie that is sent with them
    (`SameSite=None`), for one provider that answers so (`response_mode=form_post`).

    Neither is needed: the form changes nothing. Four of its fields are carried over into an
    address of our own, to which the browser goes with its `Lax` cookies, and where the state is
    checked as for every provider. Runs before the CSRF guard, which would refuse the form.
    """

    stage: ClassVar[Stage] = Stage.SESSION

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._ends: Final = tuple(
            f"/{each.name}/callback" for each in providers if each.response_mode == "form_post"
        )

    async def on_request(self, exchange: Exchange) -> None:
        """Lead a form of such a provider on; leave every other request alone."""
        if exchange.method != "POST" or not exchange.path.endswith(self._ends):
            return
        if exchange.header(b"content-type").partition(";")[0].strip().lower() != FORM:
            raise BadRequestError("A form is expected here", reason="no form")
        try:
            pairs = parse_qsl(
                (await _body(exchange)).decode("ascii"),
                max_num_fields=MAX_FIELDS,
                errors="strict",
            )
        except ValueError:
            raise BadRequestError("The form is malformed", reason="malformed form") from None
        carried = [(name, value) for name, value in pairs if name in CARRIED]
        path = quote(exchange.root_path + exchange.path, safe="/")
        if path.startswith("//"):
            # To a browser that is the name of another host (ASVS 3.7.2).
            raise BadRequestError(reason="a path that leads to another host")
        raise FormAnswerError(f"{path}?{urlencode(carried)}")


async def _body(exchange: Exchange) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await exchange.receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_FORM:
            raise BadRequestError("The form is too large", reason="form too large")
    return bytes(body)
