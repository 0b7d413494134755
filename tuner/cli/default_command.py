"""What makes `tune asl` mean `tune run asl`, and a first word that is neither command nor data an error."""

import difflib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from tuner.errors import StoppedError, UsageError


class RunByDefault(TyperGroup):
    """`tune asl --trials 50` is short for `tune run asl --trials 50`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts `run` before a first word that names no command; without any word there is only the help.

        Raises:
            typer.Exit: 2, Typer's own code for that.
        """
        if not args and not ctx.resilient_parsing:  # which is set where a shell completes a line
            typer.echo(ctx.get_help())
            raise typer.Exit(2)
        own = {*ctx.help_option_names, *(name for param in self.params for name in param.opts)}
        if args and args[0] not in self.commands and args[0].partition("=")[0] not in own:
            if not ctx.resilient_parsing:
                _check_first_word(args[0], list(self.commands))
            args = ["run", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Commands and options, then data sets, since `run` may be left out."""
        dataset = next(param for param in self.commands["run"].params if param.name == "dataset")
        named = [] if incomplete.startswith("-") else dataset.shell_complete(ctx, incomplete)
        return [*super().shell_complete(ctx, incomplete), *named]

    def invoke(self, ctx: Any) -> Any:
        """Runs the command. A stop is reported here, since Typer would end silently."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise StoppedError("stopped; the same command starts again") from None


OTHER_WORDS = {
    "help": ["--help"],
    "list": ["datasets", "spaces", "baselines"],
    "ls": ["compare"],
    "runs": ["compare"],
    "show": ["status"],
    "search": ["run"],
    "train": ["run"],
    "tune": ["run"],
    "resume": ["run"],
    "version": ["--version"],
}
"""Commands of other programs, and those of ours that do that."""


def _check_first_word(word: str, commands: list[str]) -> None:
    """Refuses a word that is neither a command nor data.

    Raises:
        UsageError: with the nearest of both.
    """
    from tuner.datasets import DATASETS

    path = Path(word)
    if word.startswith("-") or word in DATASETS or path.exists() or path.name != word or path.suffix:
        return
    near = OTHER_WORDS.get(word.lower()) or [
        *difflib.get_close_matches(word, commands, n=1),
        *difflib.get_close_matches(word, DATASETS, n=1),
    ]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise UsageError(
        f"no command or data set {word!r}{hint}\ncommands: {', '.join(commands)}\n"
        f"data sets: {', '.join(DATASETS)}, or the path of a folder or file"
    )
