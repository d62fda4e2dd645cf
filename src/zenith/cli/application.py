"""The commands, put together."""

from __future__ import annotations

import typer

from zenith.cli import accounts, db
from zenith.cli.serve import serve

application = typer.Typer(
    name="zenith",
    help="The security layer for async Python web applications.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command()(serve)
application.add_typer(db.group, name="db")
application.add_typer(accounts.group, name="accounts")


def main() -> None:
    """Run the command line; exit codes are those of `ExitCode`."""
    application()
