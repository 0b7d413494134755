"""The command line's options, each declared once for all the commands that have it.

Those on data and those of `predict` and `export` stand in `data_options.py` and `use_options.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tuner.cli import complete

SEARCH, DATA, END, OUTPUT = "Search", "Data", "End of the run", "Output"


def option(
    name: str,
    said: str,
    panel: str,
    metavar: str | None = None,
    complete: Callable[[str], list[str]] | None = None,
    **more: Any,
) -> Any:
    """An option with what its help says, the panel of the help it stands in, and what completes it."""
    return typer.Option(
        name, help=said, rich_help_panel=panel, metavar=metavar, autocompletion=complete, **more
    )


def number(name: str, said: str, panel: str, metavar: str = "N") -> Any:
    """A number, which comes as it was typed: `RunConfig.of` reads it, and has our words for a wrong one."""
    return option(name, said, panel, metavar, parser=str)


DatasetName = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A data set by name (see `tune datasets`), or a path to your own.",
        autocompletion=complete.data,
    ),
]
RunName = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="A run directory, or a run's name in --out.", autocompletion=complete.runs
    ),
]

Trials = Annotated[int, number("--trials", "Trials in all: complete, pruned and failed.", SEARCH)]
Budget = Annotated[
    str | None,
    option(
        "--budget",
        "Wall-clock limit of the whole command: 90s, 30m, 2h; `tune plan` shows how it is divided.",
        SEARCH,
        "TIME",
    ),
]
Epochs = Annotated[
    int,
    number(
        "--epochs",
        "Epochs of a whole training. With `--pruner screen` trials end before, at two fifths of it.",
        SEARCH,
    ),
]
Engine = Annotated[
    str, option("--engine", "The library that chooses the trials: optuna, keras-tuner.", SEARCH)
]
Algorithm = Annotated[
    str | None,
    option(
        "--algorithm",
        "Its algorithm. optuna: tpe (its default), random, grid, qmc, cmaes, gp (needs extra torch); "
        "keras-tuner: hyperband (its default), bayesian, random, grid.",
        SEARCH,
        "NAME",
    ),
]
Pruner = Annotated[
    str | None,
    option(
        "--pruner",
        "How poor trials are stopped early: screen (optuna's default: all for a few epochs, the best for "
        "some more), asha, hyperband, median, none (keras-tuner's default; its hyperband needs it).",
        SEARCH,
        "NAME",
    ),
]
Space = Annotated[
    str | None,
    option(
        "--space",
        "Model family and search space: a name (see `tune spaces`); FILE.toml, which names a family and "
        "the ranges that differ from its own; or FILE.py:NAME of a search_spaces.family.Family.",
        SEARCH,
        "SPACE",
        complete=complete.spaces,
    ),
]
Settings = Annotated[
    list[str],
    option(
        "--set",
        "Fixes or narrows a parameter: NAME=VALUE, NAME=LOW..HIGH[:log], NAME=a,b,c; "
        "NAME=* opens a fixed one. Repeatable.",
        SEARCH,
        "NAME=…",
    ),
]
Seed = Annotated[
    int, number("--seed", "Seed of everything random (the held-out test split is fixed).", SEARCH)
]
Deterministic = Annotated[
    bool,
    option(
        "--deterministic",
        "The same trials and decisions for any number of workers up to 8. Takes 1.5 times as long with 8, "
        "and 1.3 times where a measurement would choose bfloat16.",
        SEARCH,
    ),
]
Target = Annotated[
    float | None, number("--target", "Stop the search once a trial's validation score reaches this.", SEARCH)
]
Patience = Annotated[
    int | None, number("--patience", "Stop the search after so many trials without a better one.", SEARCH)
]
WarmStart = Annotated[
    list[str],
    option(
        "--warm-start",
        "Try the winners of earlier runs right after the default, those on the most similar data first: "
        "run directories or names in --out, or auto for up to 5 finished ones in --out. Only their "
        "configurations are taken, fitted into this space. With commas, or repeated.",
        SEARCH,
        "RUN|auto",
    ),
]
MaxParameters = Annotated[
    int | None,
    number(
        "--max-parameters",
        "Most weights of a model: configurations that build larger ones are refused before they are "
        "trained, and the search learns to avoid them. The default is trained in any case, as a baseline.",
        SEARCH,
    ),
]
MaxLatencyMs = Annotated[
    float | None,
    number(
        "--max-latency-ms",
        "Longest time to predict one image on one CPU thread: slower models are refused like too large "
        "ones. It is measured: close to the limit, another run may decide otherwise.",
        SEARCH,
        "MS",
    ),
]
Metric = Annotated[
    str,
    option(
        "--metric",
        "The score that is optimised and ranked by: accuracy, balanced-accuracy, f1-macro, auc.",
        SEARCH,
    ),
]
ClassWeights = Annotated[
    str, option("--class-weights", "Weight of rare classes in the loss: none, balanced.", SEARCH)
]
Precision = Annotated[
    str,
    option(
        "--precision",
        "float32; bfloat16: faster on some CPUs; auto: bfloat16 on CPUs that have AMX, and on those with "
        "AVX512-BF16 where a short measurement finds it faster, else float32.",
        SEARCH,
    ),
]
On = Annotated[
    str,
    option(
        "--on", "Where trials are trained: local, on this machine; ray, on a cluster (extra `ray`).", SEARCH
    ),
]
RayAddress = Annotated[
    str,
    option(
        "--ray-address",
        "Of the cluster for --on ray: auto ($RAY_ADDRESS, else one running here, else a new one) or "
        "HOST:PORT.",
        SEARCH,
    ),
]
Devices = Annotated[str, option("--devices", "auto, cpu, gpu, or GPU ids such as 0,1.", SEARCH)]
Workers = Annotated[
    str,
    option(
        "--workers",
        "Trials at a time on each device: auto (one a core; on a GPU as many as pay) or a number.",
        SEARCH,
    ),
]

Baselines = Annotated[
    str | None,
    option(
        "--baselines",
        "all, none, or names with commas (see `tune baselines`), or FILE.py:NAME. "
        "Without it, those that the data set names.",
        END,
        complete=complete.baselines,
    ),
]
FaithfulBaselines = Annotated[
    bool, option("--faithful-baselines", "Train each baseline for its published number of epochs.", END)
]
Seeds = Annotated[
    int | None,
    number(
        "--seeds",
        "Retrainings of winner, default and baselines (default 5 below 10,000 training images, else 3); "
        "fewer of baselines that are far behind.",
        END,
    ),
]
Finalists = Annotated[
    int, number("--finalists", "Best trials run again on fresh folds before the winner is named.", END)
]

Single = Annotated[
    bool,
    option(
        "--single",
        "Save one model, the first seed's. Without it the models of all the winner's seeds are saved as "
        "one that averages them: more accurate, and as many times as large and slow, but for heads on "
        "features.",
        END,
    ),
]
SaveEnsemble = Annotated[
    bool, typer.Option("--save-ensemble", help="The default; accepted from earlier versions.", hidden=True)
]

Name = Annotated[str, option("--name", "The run's name; several runs on one data set need one each.", OUTPUT)]
Out = Annotated[Path, option("--out", "The folder of run directories.", OUTPUT, "DIR")]
Fresh = Annotated[bool, option("--fresh", "Rename an existing run, and start anew.", OUTPUT)]
Plain = Annotated[bool, option("--plain", "No live display.", OUTPUT)]
Quiet = Annotated[bool, option("--quiet", "Only warnings.", OUTPUT)]
Json = Annotated[
    bool, option("--json", "The summary as JSON on standard output, all else on standard error.", OUTPUT)
]
JsonAlone = Annotated[bool, option("--json", "JSON alone on standard output; see docs/json.md.", OUTPUT)]
Debug = Annotated[bool, option("--debug", "Show tracebacks.", OUTPUT)]
