"""The Typer app: commands and options, nothing else."""

import time
from functools import wraps
from pathlib import Path
from typing import Any

import typer

from tuner.cli import complete
from tuner.cli import data_options as data
from tuner.cli import options as opt
from tuner.cli import use_options as use
from tuner.cli.default_command import RunByDefault
from tuner.registry import resolve
from tuner.values import whole

BEGAN = time.monotonic()


app = typer.Typer(
    cls=RunByDefault,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples:\n\n"
    "tune digits  (needs no data of yours: try it first)\n\n"
    "tune photos/ --budget 30m  (your own: a folder for each class)\n\n"
    "tune asl --trials 50 --set filters=16..64  (a larger search, one range narrowed)\n\n"
    "tune status  (of the newest run), tune compare  (of all runs)\n\n"
    "`tune run --help` lists all options; --debug with any command shows tracebacks.",
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
    data_dir: data.DataDir = None,
    no_download: data.NoDownload = False,
    labels: data.Labels = None,
    label_column: data.LabelColumn = None,
    group_column: data.GroupColumn = None,
    group_regex: data.GroupRegex = None,
    test: data.Test = None,
    image_shape: data.ImageShape = None,
    label_regex: data.LabelRegex = None,
    folders: data.Folders = None,
    label_level: data.LabelLevel = None,
    spellings: data.Spellings = None,
    pixel_order: data.PixelOrder = None,
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
def datasets(data_dir: data.DataDir = None, in_json: opt.JsonAlone = False) -> int:
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
    run_name: use.ModelName,
    files: use.Pictures,
    top: use.Top = 1,
    as_json: use.JsonLines = False,
    csv: use.AnswersCsv = None,
    submission: use.Submission = False,
    sheet: use.Sheet = None,
    unsure: use.Unsure = None,
    invert: use.Invert = "auto",
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
    run_name: use.ModelName,
    to: use.Formats,
    quantize: use.Quantize = None,
    dest: use.Destination = None,
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
