"""The Typer app: commands, options, exit codes, nothing else."""

import difflib
import errno
import os
import signal
import sys
import time
from functools import wraps
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from tuner.cli import complete, streams
from tuner.cli import options as opt
from tuner.errors import StoppedError, TuneError, UsageError
from tuner.registry import resolve
from tuner.values import whole

BEGAN = time.monotonic()
INTERRUPTED = 130
DEBUG = "--debug"
"""Taken from the command line before anything reads it, so that every command has it."""


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


app = typer.Typer(
    cls=RunByDefault,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples:\n\n"
    "tune digits  (needs no data of yours: try it first)\n\n"
    "tune photos/ --budget 30m  (your own: a folder for each class)\n\n"
    "tune asl --trials 50 --set filters=16..64  (a larger search, one range narrowed)\n\n"
    "tune status  (of the newest run), tune compare  (of all runs)\n\n"
    f"`tune run --help` lists all options; {DEBUG} with any command shows tracebacks.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from tuner.versions import installed
        from tuner.workers.devices import backend

        name, found = backend(), installed()
        typer.echo(f"tune {version('tune-images')}")
        typer.echo(
            f"Keras {found.get('keras', 'not installed')} on {name} {found.get(name, '(not installed)')}"
        )
        raise typer.Exit


@app.callback()
def callback(
    version: bool = typer.Option(False, "--version", help="The version.", callback=_version, is_eager=True),
) -> None:
    """Search image classifiers, retrain the best, compare it with baselines, and report what is true.

    tune DATASET … is short for tune run DATASET …
    """


@app.command(
    epilog="Examples:\n\n"
    "tune digits --trials 10\n\n"
    "tune photos/ --test photos-test/ --budget 1h\n\n"
    "tune data.csv --label-column label --image-shape 28x28\n\n"
    "tune asl --space resnet --set learning_rate=0.001..0.01:log --baselines all\n\n"
    "tune digits --trials 40  (after --trials 20: extends that run)"
)
def run(
    dataset: opt.DatasetName,
    trials: opt.Trials = 20,
    budget: opt.Budget = None,
    epochs: opt.Epochs = 20,
    engine: opt.Engine = "optuna",
    algorithm: opt.Algorithm = None,
    pruner: opt.Pruner = None,
    space: opt.Space = None,
    settings: opt.Settings = [],  # noqa: B006 - Typer's way to have none
    seed: opt.Seed = 0,
    deterministic: opt.Deterministic = False,
    target: opt.Target = None,
    patience: opt.Patience = None,
    warm_start: opt.WarmStart = [],  # noqa: B006
    max_parameters: opt.MaxParameters = None,
    max_latency_ms: opt.MaxLatencyMs = None,
    metric: opt.Metric = "accuracy",
    class_weights: opt.ClassWeights = "none",
    precision: opt.Precision = "auto",
    on: opt.On = "local",
    ray_address: opt.RayAddress = "auto",
    devices: opt.Devices = "auto",
    workers: opt.Workers = "auto",
    baselines: opt.Baselines = None,
    faithful_baselines: opt.FaithfulBaselines = False,
    seeds: opt.Seeds = None,
    finalists: opt.Finalists = 3,
    single: opt.Single = False,
    save_ensemble: opt.SaveEnsemble = True,
    data_dir: opt.DataDir = None,
    no_download: opt.NoDownload = False,
    labels: opt.Labels = None,
    label_column: opt.LabelColumn = None,
    group_column: opt.GroupColumn = None,
    group_regex: opt.GroupRegex = None,
    test: opt.Test = None,
    image_shape: opt.ImageShape = None,
    label_regex: opt.LabelRegex = None,
    folders: opt.Folders = None,
    label_level: opt.LabelLevel = None,
    spellings: opt.Spellings = None,
    pixel_order: opt.PixelOrder = None,
    name: opt.Name = "",
    out: opt.Out = Path("runs"),
    fresh: opt.Fresh = False,
    plain: opt.Plain = False,
    quiet: opt.Quiet = False,
    as_json: opt.Json = False,
    debug: opt.Debug = False,
) -> int:
    """Search, retrain the best, compare with the baselines, write the report; again: resume or extend."""
    given = {key: value for key, value in locals().items() if key not in SWITCHES}
    from tuner.cli import commands

    return commands.run(
        commands.config(given),
        commands.display(plain=plain, quiet=quiet, as_json=as_json),
        BEGAN,
        fresh=fresh,
        as_json=as_json,
    )


SWITCHES = {"fresh", "plain", "quiet", "as_json", "debug"}


@app.command(name="plan")
@wraps(run, assigned=("__annotations__",))
def plan(**given: Any) -> int:
    """The data audit, and the time, memory and disk that a run with the same options would take.

    Nothing further is trained, and nothing is written to --out.
    """
    from tuner.cli import as_json, commands

    options = {key: value for key, value in given.items() if key not in SWITCHES}
    shown = commands.display(plain=True, quiet=given["quiet"], as_json=given["as_json"])
    if given["as_json"]:
        return as_json.tell(as_json.plan(commands.config(options), shown, BEGAN))
    return commands.plan(commands.config(options), shown, BEGAN)


@app.command()
def datasets(data_dir: opt.DataDir = None, in_json: opt.JsonAlone = False) -> int:
    """The data sets there are, whether each is on disk, and how to get it."""
    from tuner.cli import as_json, commands

    if in_json:
        return as_json.tell(as_json.datasets(data_dir))
    return commands.datasets(data_dir)


@app.command()
def spaces(
    name: str | None = typer.Argument(
        None, metavar="[NAME]", help="One of them, or FILE.py:NAME; all without it."
    ),
    in_json: opt.JsonAlone = False,
) -> int:
    """The model families and search spaces there are, with the range and default of each parameter."""
    from tuner.cli import as_json, commands

    if in_json:
        return as_json.tell(as_json.spaces(name))
    return commands.spaces(name)


@app.command()
def baselines(in_json: opt.JsonAlone = False) -> int:
    """The baselines there are."""
    from tuner.cli import as_json, commands

    if in_json:
        return as_json.tell(as_json.baselines())
    return commands.baselines()


@app.command()
def status(
    run_name: Path | None = typer.Argument(
        None,
        metavar="[RUN]",
        help="A run directory, or a run's name in --out; the newest without it.",
        autocompletion=complete.runs,
    ),
    trial: str | None = typer.Option(
        None,
        "--trial",
        metavar="N",
        help="One trial: its parameters and curve; of a failed one also the end of its log.",
    ),
    out: opt.Out = Path("runs"),
    in_json: opt.JsonAlone = False,
) -> int:
    """Trials done, running and failed; the best so far; the time left, or the result."""
    from tuner.cli import as_json, commands

    found = commands.newest_run(out) if run_name is None else commands.find_run(run_name, out)
    number = None if trial is None else whole("--trial", trial)
    return as_json.tell(as_json.status(found, number)) if in_json else commands.status(found, number)


@app.command()
def report(
    run_name: opt.RunName,
    to: Path | None = typer.Option(
        None, "--to", metavar="DIR", help="Where to; into the run directory without it."
    ),
    show: bool = typer.Option(False, "--open", help="Open report.html in a browser."),
    out: opt.Out = Path("runs"),
) -> int:
    """Write the report again from the run directory alone."""
    from tuner.cli import commands

    return commands.report(commands.find_run(run_name, out), to, show=show)


@app.command()
def predict(
    run_name: opt.ModelName,
    files: opt.Pictures,
    top: opt.Top = 1,
    as_json: opt.JsonLines = False,
    csv: opt.AnswersCsv = None,
    submission: opt.Submission = False,
    sheet: opt.Sheet = None,
    unsure: opt.Unsure = None,
    invert: opt.Invert = "auto",
    quiet: opt.Quiet = False,
    out: opt.Out = Path("runs"),
) -> int:
    """Classes of new pictures."""
    from tuner.cli.predict import Options
    from tuner.cli.predict import predict as classes
    from tuner.use.description import Place

    options = Options(top, as_json, csv, submission, sheet, unsure, invert, quiet)  # type: ignore[arg-type]
    return classes(Place.find(run_name, out), files, options)


@app.command()
def export(
    run_name: opt.ModelName,
    to: opt.Formats,
    quantize: opt.Quantize = None,
    dest: opt.Destination = None,
    out: opt.Out = Path("runs"),
) -> int:
    """The saved model in other formats, each compared with it in its own runtime."""
    from tuner.cli.export import write
    from tuner.use.description import Place

    return write(Place.find(run_name, out), to, quantize, dest)


@app.command()
def compare(
    runs: list[Path] = typer.Argument(
        None,
        metavar="[RUN…]",
        help="Run directories or names; all in --out without any.",
        autocompletion=complete.runs,
    ),
    out: opt.Out = Path("runs"),
    in_json: opt.JsonAlone = False,
) -> int:
    """One table over several runs."""
    from tuner.cli import as_json, commands

    found = [commands.find_run(path, out) for path in runs or []]
    return as_json.tell(as_json.compare(found, out)) if in_json else commands.compare(found, out)


app.command()(resolve("tuner.cli.clean:clean"))
app.command()(resolve("tuner.cli.dashboard:dashboard"))


def main() -> None:
    """The console script: an error becomes a line on standard error and an exit code."""
    streams.prepare()
    os.environ["MPLBACKEND"] = "agg"  # a notebook's own need not be installed here
    hangup = getattr(signal, "SIGHUP", None)  # of a terminal that goes away; `nohup` has it ignored
    heard = [] if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN else [hangup]
    for name in (signal.SIGINT, signal.SIGTERM, *heard):  # alike, also where a shell has the first ignored
        signal.signal(name, signal.default_int_handler)
    try:
        words = [word for word in sys.argv[1:] if word != DEBUG]
        code = typer.main.get_command(app).main(words, prog_name=_name(), standalone_mode=False)
    except typer.TyperException as error:
        fail(_plainly(error), 2)
    except TuneError as error:
        if DEBUG in sys.argv:
            raise
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        fail("stopped at once; the same command resumes", INTERRUPTED)
    except Exception as error:
        if DEBUG in sys.argv:
            raise
        fail(_unforeseen(error), 1)
    if lost := streams.lost():
        if lost.errno == errno.EPIPE:  # the reader has closed the pipe, as `head` does
            sys.exit(1)
        fail(f"standard output cannot be written: {lost.strerror}", 1)
    sys.exit(code or 0)


def _name() -> str:
    """As the user has typed it: the scripts of the package, else `tune`."""
    typed = Path(sys.argv[0]).stem
    return typed if typed == "tune-images" else "tune"


def _unforeseen(error: Exception) -> str:
    """The message for an error of the operating system; any other exception is called a defect of ours."""
    if isinstance(error, FileNotFoundError) and not _has_current_directory():
        return "the current directory has been removed\nchange to one that exists"
    if isinstance(error, OSError) and error.filename and not isinstance(error, FileNotFoundError):
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return f"{type(error).__name__}: {error}\nthis is a defect of tune; {DEBUG} shows where"


def _has_current_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _plainly(error: Any) -> str:
    """Typer's message as the other errors are: lower case at the start, no full stop."""
    message = str(error.format_message()).strip().rstrip(".")
    return message[:1].lower() + message[1:]


def fail(message: str, code: int) -> None:
    """Ends the program with an error of three lines at most."""
    lines = [line for line in message.splitlines() if line.strip()] or ["failed"]
    sys.stderr.write("error: " + "\n".join(lines[:3]) + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
