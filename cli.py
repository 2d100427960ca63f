"""The operator's door: `nurture <verb>`.

Exit codes: 0 done; 1 done, with findings that somebody should look at; 2 not done, because the command,
the input or a setting is wrong.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from nurture.domain.errors import InputError, NurtureError, StartError

VERBS = {
    "up": "commands.up:up",
    "demo": "commands.demo.command:demo",
    "check": "commands.check:check",
    "schema": "commands.schema:schema",
    "plan": "commands.apply:plan",
    "apply": "commands.apply:apply",
    "rollback": "commands.apply:rollback",
    "enrol": "commands.enrol:enrol",
    "import": "commands.importing.command:import_",
    "lead": "commands.lead:lead",
    "stage": "commands.stage:stage",
    "export": "commands.privacy:export",
    "erase": "commands.privacy:erase",
    "mails": "commands.mails:app",
    "senders": "commands.senders:app",
    "quarantine": "commands.quarantine:app",
    "rescore": "commands.rescore:rescore",
    "audiences": "commands.audiences:audiences",
    "report": "commands.report:report",
    "upkeep": "commands.upkeep:show",
    "handovers": "commands.handovers:app",
    "users": "commands.users:app",
    "preview": "commands.preview:preview",
    "picture": "commands.flow_picture:picture",
    "simulate": "commands.simulate:simulate",
    "test": "commands.scenarios:play_all",
    "backtest": "commands.backtest.command:backtest",
    "worker": "commands.doors:worker",
    "serve": "commands.doors:serve",
    "db": "commands.db:app",
}
"""Each verb is imported when it is asked for: `nurture check` need not load Temporal's client."""


class _Verbs(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        verb = getattr(import_module(module), name)
        if not isinstance(verb, typer.Typer):
            verb, function = typer.Typer(add_completion=False), verb
            verb.command(cmd_name)(function)
        command = get_command(verb)
        command.name = cmd_name
        command.help = _flowing(command.help or "")
        return command


def _flowing(text: str) -> str:
    """Each paragraph on one line, so that it breaks where the screen ends and not where the source did."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


app = typer.Typer(
    cls=_Verbs,
    help="Marketing automation whose agreement between marketing and sales runs by itself.",
    epilog=_flowing((__doc__ or "").partition("\n\n")[2]),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _nurture() -> None:
    """A group needs a body, though it has nothing to do."""


def main(words: Sequence[str] | None = None) -> None:
    """Ends the process. `words`: the command line, if it is not this process's own."""
    try:
        app(args=words, prog_name="nurture")
    except NurtureError as error:
        typer.echo(f"nurture: {error}", err=True)
        sys.exit(2 if isinstance(error, InputError | StartError) else 1)


if __name__ == "__main__":
    main()
