"""The same as the command line, for notebooks and scripts."""

import inspect
import textwrap
import time
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from tuner import notebook
from tuner.config import RunConfig
from tuner.display import Display
from tuner.opened import Run, load
from tuner.run import runner

__all__ = ["Run", "load", "tune"]


def tune(dataset: str | Path, *, fresh: bool = False, quiet: bool | None = None, **options: Any) -> Run:
    """Searches, retrains the best trial, compares it with baselines, and writes the report.

    Values may be given as on the command line, "10m" or "20", or as Python has them.

    Args:
        dataset: a registered name, or a path.
        fresh: set an existing run of that name aside and start anew.
        quiet: show warnings only; left out, that is so but in a notebook, where one area shows the progress.
        **options: those of `tune run`, named below.

    Raises:
        tuner.errors.TuneError: as the command line would print it.
    """
    from rich.console import Console

    configuration = RunConfig.of({"dataset": dataset, **options})
    shown = Display(Console(), quiet=quiet is not False, area=None if quiet else notebook.area())
    ended = runner.run(configuration, shown, configuration.command(), time.monotonic(), fresh=fresh)
    return load(ended.path)


def _list_options(function: Callable[..., Run]) -> None:
    """Gives a function that takes any options the signature and the help of those there are."""
    kinds = get_type_hints(RunConfig)
    options = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=kinds[option.name],
        )
        for option in fields(RunConfig)
        if option.default is not MISSING
    ]
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    function.__dict__["__signature__"] = signature.replace(parameters=[*own, *options])
    described = "\n".join(_described(option) for option in options)
    function.__doc__ = f"{inspect.getdoc(function)}\n\nOptions:\n{described}\n"


def _described(option: inspect.Parameter) -> str:
    """A paragraph on an option, in the words of `tune run --help`."""
    from tuner.cli.app import run

    if option.name == "download":
        said = "Whether data may be downloaded."
    else:
        said = run.__annotations__[option.name].__metadata__[0].help
    return textwrap.fill(
        f"{option.name} = {option.default!r}: {said}",
        96,
        initial_indent="    ",
        subsequent_indent="        ",
        break_on_hyphens=False,
        break_long_words=False,
    )


_list_options(tune)
