"""`zenith https`: the certificate authority of development, and how to trust it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from zenith.cli.certificates import FOLDER, LocalCertificates
from zenith.cli.context import read_settings
from zenith.cli.output import ExitCode, fail, fail_with, say, show_json
from zenith.kernel.errors import ConfigurationError
from zenith.server.authority import common_name, days_left, fingerprint

group = typer.Typer(
    name="https",
    help="HTTPS in development, by a local certificate authority.",
    no_args_is_help=True,
)
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="A further name or private address to vouch for; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
_DEBIAN: Final = "/usr/local/share/ca-certificates/zenith-development.crt"
_STORES: Final = {
    "macOS": (
        "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {path}",
        "security remove-trusted-cert {path}",
    ),
    "Debian, Ubuntu": (
        f"sudo cp {{path}} {_DEBIAN} && sudo update-ca-certificates",
        f"sudo rm {_DEBIAN} && sudo update-ca-certificates --fresh",
    ),
    "Fedora, RHEL, SUSE": (
        "sudo trust anchor {path}",
        "sudo trust anchor --remove {path}",
    ),
    "Windows": (
        "certutil -user -addstore Root {path}",
        'certutil -user -delstore Root "{name}"',
    ),
    "Chromium and Chrome on Linux": (
        'certutil -d sql:$HOME/.pki/nssdb -A -t "C,," -n "{name}" -i {path}',
        'certutil -d sql:$HOME/.pki/nssdb -D -n "{name}"',
    ),
    "curl": ("curl --cacert {path} ...", ""),
    "Node.js": ("export NODE_EXTRA_CA_CERTS={path}", ""),
    "Python": ("export SSL_CERT_FILE={path}", ""),
}
_ANYWHERE: Final = ("curl", "Node.js", "Python")
_OF_PLATFORM: Final = {
    "darwin": ("macOS",),
    "win32": ("Windows",),
    "linux": ("Debian, Ubuntu", "Fedora, RHEL, SUSE", "Chromium and Chrome on Linux"),
}


@group.command()
def trust(
    name: Names = None,
    every: Annotated[bool, typer.Option("--all", help="For every platform.")] = False,
    json: AsJson = False,
) -> None:
    """Print how to trust the local authority, and how to take that back. It runs none of it."""
    files = _files()
    try:
        made = files.open(tuple(name or ()))
    except ConfigurationError as error:
        fail_with(error)
    if name and not made:
        again = " ".join(f"--name {each}" for each in name)
        fail(
            "there is an authority already",
            fix=f"make a new one and trust it: zenith https new {again}",
        )
    _tell(files, every=every, as_json=json)


@group.command("new")
def renew(name: Names = None, json: AsJson = False) -> None:
    """Make a new local authority, for localhost and these names; the old one ends."""
    files = _files()
    try:
        files.make(tuple(name or ()))
    except ConfigurationError as error:
        fail_with(error)
    _tell(files, every=False, as_json=json)


def _files() -> LocalCertificates:
    settings = read_settings()
    if settings.is_production:
        fail(
            "the local authority is for development",
            fix="use a certificate that visitors trust: zenith serve --certificate ... --key ...",
            code=ExitCode.USAGE,
        )
    return LocalCertificates(settings.home.absolute() / FOLDER)


def _tell(files: LocalCertificates, *, every: bool, as_json: bool) -> None:
    described = _describe(files, every=every)
    if as_json:
        show_json(described)
        return
    say(described["name"], style="bold")
    say(f"  Certificate  {described['certificate']}")
    say(f"  SHA-256      {described['sha256']}")
    say(f"  Ends in      {described['days_left']} days")
    say("It vouches for names of this machine only. To trust it, run what fits:")
    for store in described["stores"]:
        say(f"  {store['for']}", style="bold")
        say(f"    {store['trust']}")
        if store["distrust"]:
            say(f"    # take it back: {store['distrust']}")
    say("  Firefox", style="bold")
    say("    Settings, Certificates, View Certificates, Authorities, Import")


def _describe(files: LocalCertificates, *, every: bool) -> dict[str, Any]:
    certificate = files.authority.read_bytes()
    called = common_name(certificate)
    chosen = _STORES if every else (*_OF_PLATFORM.get(sys.platform, _STORES), *_ANYWHERE)
    return {
        "name": called,
        "certificate": str(files.authority),
        "sha256": fingerprint(certificate),
        "days_left": int(days_left(certificate, now=files.clock())),
        "stores": [
            {"for": store, "trust": _fill(add, files.authority, called),
             "distrust": _fill(remove, files.authority, called)}
            for store, (add, remove) in _STORES.items()
            if store in chosen
        ],
    }  # fmt: skip


def _fill(command: str, path: Path, called: str) -> str:
    return command.format(path=shlex.quote(str(path)), name=called)
