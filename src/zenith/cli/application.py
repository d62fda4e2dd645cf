"""The commands, put together."""

from __future__ import annotations

import errno
import os
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from zenith.cli import (
    accounts,
    api_keys,
    audit,
    bans,
    data,
    db,
    https,
    keys,
    policies,
    reports,
    roles,
)
from zenith.cli.audit_search import search, tail
from zenith.cli.check_sql import check_sql
from zenith.cli.output import ExitCode, say
from zenith.cli.routes import routes
from zenith.cli.serve import serve

DISTRIBUTION = "zenith-security"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What printing fails with where the file behind it has no room."""

application = typer.Typer(
    name="zenith",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command()(serve)
application.command()(routes)
application.command("check-sql")(check_sql)
application.add_typer(data.group, name="data")
application.add_typer(db.group, name="db")
application.add_typer(accounts.group, name="accounts")
application.add_typer(api_keys.group, name="api-keys")
audit.group.command()(search)
audit.group.command()(tail)
application.add_typer(audit.group, name="audit")
application.add_typer(bans.group, name="bans")
application.add_typer(https.group, name="https")
application.add_typer(keys.group, name="keys")
application.add_typer(roles.group, name="roles")
application.add_typer(policies.group, name="policy")
application.add_typer(reports.group, name="reports")


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"zenith {_version()}")
        raise typer.Exit


def _version() -> str:
    try:
        return version_of(DISTRIBUTION)
    except PackageNotFoundError:
        return "from source, not installed"


@application.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """The security layer for async Python web applications."""
    del version


def main() -> None:
    """Run the command line; exit codes are those of `ExitCode`."""
    try:
        application(prog_name="zenith")
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        # What was printed so far is no answer: whoever reads the file must not take it for one.
        os.close(sys.stdout.fileno())
        sys.stderr.write(f"error: cannot write what was found: {error.strerror}\n")
        sys.exit(ExitCode.UNAVAILABLE)
