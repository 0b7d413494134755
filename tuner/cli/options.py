"""The command line's options, each declared once for all the commands that have it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import complete

SEARCH, DATA, END, OUTPUT = "Search", "Data", "End of the run", "Output"


def _option(
    *names: str,
    help: str,  # noqa: A002
    panel: str,
    metavar: str | None = None,
    complete: Callable[[str], list[str]] | None = None,
) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        *names, help=help, rich_help_panel=panel, metavar=metavar, autocompletion=complete
    )
    return option


def _number(
    name: str,
    *,
    help: str,  # noqa: A002
    panel: str | None = None,
    metavar: str = "N",
) -> typer.models.OptionInfo:
    """A number, which comes as it was typed: `RunConfig.of` reads it, and has our words for a wrong one."""
    option: typer.models.OptionInfo = typer.Option(
        name, help=help, rich_help_panel=panel, metavar=metavar, parser=str
    )
    return option


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

Trials = Annotated[int, _number("--trials", help="Trials in all: complete, pruned and failed.", panel=SEARCH)]
Budget = Annotated[
    str | None,
    _option(
        "--budget",
        help="Wall-clock limit of the whole command: 90s, 30m, 2h. At most half goes to the search.",
        panel=SEARCH,
        metavar="TIME",
    ),
]
Epochs = Annotated[int, _number("--epochs", help="Most epochs a trial may use.", panel=SEARCH)]
Engine = Annotated[
    str, _option("--engine", help="The library that chooses the trials: optuna, keras-tuner.", panel=SEARCH)
]
Algorithm = Annotated[
    str | None,
    _option(
        "--algorithm",
        help="Its algorithm. optuna: tpe (its default), random, grid, qmc, cmaes, gp (needs extra torch); "
        "keras-tuner: hyperband (its default), bayesian, random, grid.",
        panel=SEARCH,
        metavar="NAME",
    ),
]
Pruner = Annotated[
    str | None,
    _option(
        "--pruner",
        help="How poor trials are stopped early: screen (optuna's default: all for a few epochs, the best "
        "few to the end), asha, hyperband, median, none (keras-tuner's default; its hyperband needs it).",
        panel=SEARCH,
        metavar="NAME",
    ),
]
Space = Annotated[
    str | None,
    _option(
        "--space",
        help="Model family and search space: a name (see `tune spaces`); FILE.toml, which names a family and "
        "the ranges that differ from its own; or FILE.py:NAME of a search_spaces.family.Family.",
        panel=SEARCH,
        metavar="SPACE",
        complete=complete.spaces,
    ),
]
Settings = Annotated[
    list[str],
    _option(
        "--set",
        help="Fixes or narrows a parameter: NAME=VALUE, NAME=LOW..HIGH[:log], NAME=a,b,c; "
        "NAME=* opens a fixed one. Repeatable.",
        panel=SEARCH,
        metavar="NAME=…",
    ),
]
Seed = Annotated[
    int, _number("--seed", help="Seed of everything random (the held-out test split is fixed).", panel=SEARCH)
]
Deterministic = Annotated[
    bool,
    _option(
        "--deterministic",
        help="The same trials and decisions for any number of workers up to 8: no slower with 2, 1.5 times "
        "as long with 8.",
        panel=SEARCH,
    ),
]
Target = Annotated[
    float | None,
    _number("--target", help="Stop the search once a trial's validation score reaches this.", panel=SEARCH),
]
Patience = Annotated[
    int | None,
    _number("--patience", help="Stop the search after so many trials without a better one.", panel=SEARCH),
]
WarmStart = Annotated[
    list[str],
    _option(
        "--warm-start",
        help="Try the winners of earlier runs right after the default, those on the most similar data first: "
        "run directories or names in --out, or auto for up to 5 finished ones in --out. Only their "
        "configurations are taken, fitted into this space. With commas, or repeated.",
        panel=SEARCH,
        metavar="RUN|auto",
    ),
]
MaxParameters = Annotated[
    int | None,
    _number(
        "--max-parameters",
        help="Most weights of a model: configurations that build larger ones are refused before they are "
        "trained, and the search learns to avoid them. The default is trained in any case, as a baseline.",
        panel=SEARCH,
        metavar="N",
    ),
]
MaxLatencyMs = Annotated[
    float | None,
    _number(
        "--max-latency-ms",
        help="Longest time to predict one image on one CPU thread: slower models are refused like too large "
        "ones. It is measured: close to the limit, another run may decide otherwise.",
        panel=SEARCH,
        metavar="MS",
    ),
]
Metric = Annotated[
    str,
    _option(
        "--metric",
        help="The score that is optimised and ranked by: accuracy, balanced-accuracy, f1-macro, auc.",
        panel=SEARCH,
    ),
]
ClassWeights = Annotated[
    str, _option("--class-weights", help="Weight of rare classes in the loss: none, balanced.", panel=SEARCH)
]
Precision = Annotated[
    str,
    _option(
        "--precision",
        help="float32; bfloat16: faster on CPUs with AMX, perhaps a point less accurate; auto: by the CPU.",
        panel=SEARCH,
    ),
]
On = Annotated[
    str,
    _option(
        "--on",
        help="Where trials are trained: local, on this machine; ray, on a cluster (extra `ray`).",
        panel=SEARCH,
    ),
]
RayAddress = Annotated[
    str,
    _option(
        "--ray-address",
        help="Of the cluster for --on ray: auto ($RAY_ADDRESS, else one running here, else a new one) or "
        "HOST:PORT.",
        panel=SEARCH,
    ),
]
Devices = Annotated[str, _option("--devices", help="auto, cpu, gpu, or GPU ids such as 0,1.", panel=SEARCH)]
Workers = Annotated[
    str,
    _option(
        "--workers",
        help="Trials at a time on each device: auto (one a core; on a GPU as many as pay) or a number.",
        panel=SEARCH,
    ),
]

Baselines = Annotated[
    str | None,
    _option(
        "--baselines",
        help="all, none, or names with commas (see `tune baselines`), or FILE.py:NAME. "
        "Without it, those that the data set names.",
        panel=END,
        complete=complete.baselines,
    ),
]
FaithfulBaselines = Annotated[
    bool,
    _option(
        "--faithful-baselines", help="Train each baseline for its published number of epochs.", panel=END
    ),
]
Seeds = Annotated[
    int | None,
    _number(
        "--seeds",
        help="Retrainings of the winner and each baseline (default 5 below 10,000 training images, else 3).",
        panel=END,
    ),
]
Finalists = Annotated[
    int,
    _number(
        "--finalists", help="Best trials run again on fresh folds before the winner is named.", panel=END
    ),
]

Single = Annotated[
    bool,
    _option(
        "--single",
        help="Save one model, the first seed's. Without it the models of all the winner's seeds are saved as "
        "one that averages them: more accurate, and as many times as large and slow, but for heads on "
        "features.",
        panel=END,
    ),
]
SaveEnsemble = Annotated[
    bool,
    typer.Option("--save-ensemble", help="The default; accepted from earlier versions.", hidden=True),
]

DataDir = Annotated[
    Path | None,
    _option(
        "--data-dir",
        help="The folder of data sets, also for downloads: $TUNE_DATA_DIR, else the user data directory.",
        panel=DATA,
        metavar="DIR",
    ),
]
NoDownload = Annotated[bool, _option("--no-download", help="Never touch the network.", panel=DATA)]
Labels = Annotated[
    Path | None,
    _option(
        "--labels", help="For a path: the file of labels beside a file of images.", panel=DATA, metavar="FILE"
    ),
]
LabelColumn = Annotated[
    str | None,
    _option("--label-column", help="For a CSV: the column of labels, by name or number from 1.", panel=DATA),
]
GroupColumn = Annotated[
    str | None,
    _option(
        "--group-column",
        help="For a CSV: images with the same value in this column stay on one side of a split.",
        panel=DATA,
    ),
]
GroupRegex = Annotated[
    str | None,
    _option(
        "--group-regex",
        help="For images by file name: those with the same match (of its first bracket, if it has one) stay "
        "on one side of a split.",
        panel=DATA,
    ),
]
Test = Annotated[
    Path | None,
    _option(
        "--test",
        help="For a path: the test split; without it a fifth is held out.",
        panel=DATA,
        metavar="PATH",
    ),
]
ImageShape = Annotated[
    str | None,
    _option(
        "--image-shape", help="For rows of pixels: HEIGHTxWIDTHxCHANNELS.", panel=DATA, metavar="28x28x1"
    ),
]

LabelRegex = Annotated[
    str | None,
    _option(
        "--label-regex",
        help="For images by file name: the class is its match (of the first bracket, if it has one).",
        panel=DATA,
    ),
]
Folders = Annotated[
    str | None,
    _option(
        "--folders",
        help="For folders named like splits: splits, or classes whatever their names.",
        panel=DATA,
        metavar="classes|splits",
    ),
]
LabelLevel = Annotated[
    str | None,
    _option(
        "--label-level",
        help="For folders inside class folders: the top one names the class, or the one an image lies in.",
        panel=DATA,
        metavar="top|leaf",
    ),
]
Spellings = Annotated[
    str | None,
    _option(
        "--spellings",
        help="For labels such as ant and Ant, or 1 and 01: one class, or several.",
        panel=DATA,
        metavar="merge|keep",
    ),
]
PixelOrder = Annotated[
    str | None,
    _option(
        "--pixel-order",
        help="For rows of colour values: red, green and blue of each pixel together, or one plane of each.",
        panel=DATA,
        metavar="pixels|planes",
    ),
]

Name = Annotated[
    str, _option("--name", help="The run's name; several runs on one data set need one each.", panel=OUTPUT)
]
Out = Annotated[Path, _option("--out", help="The folder of run directories.", panel=OUTPUT, metavar="DIR")]
Fresh = Annotated[bool, _option("--fresh", help="Rename an existing run, and start anew.", panel=OUTPUT)]
Plain = Annotated[bool, _option("--plain", help="No live display.", panel=OUTPUT)]
Quiet = Annotated[bool, _option("--quiet", help="Only warnings.", panel=OUTPUT)]
Json = Annotated[
    bool,
    _option(
        "--json", help="The summary as JSON on standard output, all else on standard error.", panel=OUTPUT
    ),
]
JsonAlone = Annotated[
    bool,
    _option("--json", help="JSON alone on standard output; see docs/json.md.", panel=OUTPUT),
]
Debug = Annotated[bool, _option("--debug", help="Show tracebacks.", panel=OUTPUT)]

ModelName = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A run directory, a run's name in --out, or a copied model folder.",
        autocompletion=complete.runs,
    ),
]
Pictures = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE…",
        help="Image files, folders, .zip archives, CSV files of pixels or of image files, .npz archives; "
        "- for a list of files on standard input.",
    ),
]
Top = Annotated[int, _option("--top", help="How many classes of each picture.", panel=OUTPUT, metavar="K")]
JsonLines = Annotated[bool, _option("--json", help="A line of JSON for each picture.", panel=OUTPUT)]
AnswersCsv = Annotated[
    Path | None, _option("--csv", help="Write a CSV file, not a table.", panel=OUTPUT, metavar="FILE")
]
Submission = Annotated[
    bool, _option("--submission", help="The CSV has only id and label, as competitions ask.", panel=OUTPUT)
]
Sheet = Annotated[
    Path | None,
    _option("--sheet", help="Write a PNG of the pictures with their labels.", panel=OUTPUT, metavar="FILE"),
]
Unsure = Annotated[
    float | None,
    _option(
        "--unsure",
        help="The accuracy wanted of decisions, such as 0.99: names the pictures that the model should "
        "not decide, by a threshold chosen on held-out training images.",
        panel=OUTPUT,
        metavar="P",
    ),
]
Invert = Annotated[
    str,
    _option(
        "--invert",
        help="Show the model negatives: auto (of pictures that are light where training images are dark, "
        "or the reverse), yes, no.",
        panel=DATA,
    ),
]

Formats = Annotated[
    str,
    _option(
        "--to",
        help="Formats, with commas: keras, saved-model, onnx, litert, openvino; card for a model card; "
        "script for one plain file that trains the winner.",
        panel=OUTPUT,
        metavar="FORMAT,…",
    ),
]
Quantize = Annotated[
    str | None,
    _option(
        "--quantize",
        help="int8: a second LiteRT file that computes in 8 bits, and how much accuracy that costs.",
        panel=OUTPUT,
        metavar="int8",
    ),
]
Destination = Annotated[
    Path | None,
    _option(
        "--dest",
        help="Where to write; without it, the folder exports in the run directory.",
        panel=OUTPUT,
        metavar="DIR",
    ),
]
