"""The overview of `assay --help`. Typer's own takes longer to load than everything else together."""

import shutil
from typing import Any

import typer
from typer.core import TyperGroup

START, CALLS, ACCESS, OPERATION = "Start", "Calls", "Access", "Operation"
PANELS = (START, CALLS, ACCESS, OPERATION)
SENTENCE_LENGTH_MIN = 40
_INDENT = "  "


class Overview(TyperGroup):
    """Shows the commands by what they are for, one line each. Colours are left out where it does not go to a terminal."""

    def format_help(self, ctx: Any, _formatter: Any) -> None:
        """Prints the overview."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        name_width = max(map(len, commands)) + 2
        sentence_length_max = max(SENTENCE_LENGTH_MIN, shutil.get_terminal_size().columns - name_width - 2 * len(_INDENT))
        lines = ["", f"{_bold('assay')} COMMAND …", "", *(self.help or "").splitlines()]
        for panel in PANELS:
            lines += ["", _bold(panel)]
            for name, command in commands.items():
                if command is not None and getattr(command, "rich_help_panel", None) == panel:
                    sentence = command.get_short_help_str(sentence_length_max)
                    lines.append(f"{_INDENT}{typer.style(name.ljust(name_width), fg='cyan')}{sentence}")
        lines += ["", f"{_bold('assay COMMAND --help')} tells more of a command, {_bold('assay --version')} which version this is."]
        lines += [f"{_bold('assay --tls-ca FILE COMMAND --url HOST:PORT')} connects by TLS.", ""]
        typer.echo("\n".join(f"{_INDENT}{line}" if line else "" for line in lines))


def _bold(text: str) -> str:
    return typer.style(text, bold=True)
