"""The operator's door: `nurture <verb>`.

Exit codes: 0 done; 1 done, with findings that somebody should look at; 2 not done, because the command,
the input or a setting is wrong.
"""

import sys

import typer

from commands import apply, check, db, demo, doors, importing, lead, report, up
from nurture.domain.errors import InputError, NurtureError, StartError

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.command()(up.up)
app.command()(demo.demo)
app.command()(check.check)
app.command()(apply.plan)
app.command()(apply.apply)
app.command("import")(importing.import_)
app.command()(lead.lead)
app.command()(report.report)
app.command()(doors.worker)
app.command()(doors.serve)
app.add_typer(db.app, name="db")


def main() -> None:
    try:
        app()
    except NurtureError as error:
        typer.echo(f"nurture: {error}", err=True)
        sys.exit(2 if isinstance(error, InputError | StartError) else 1)


if __name__ == "__main__":
    main()
