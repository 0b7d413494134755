"""The command line's options, each declared once for all the commands that have it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tuner.cli import complete

SEARCH, DATA, END, OUTPUT = "Search", "Data", "End of the run", "Output"


def _option(
    name: str,
    said: str,
    panel: str,
    metavar: str | None = None,
    complete: Callable[[str], list[str]] | None = None,
    **more: Any,
) -> Any:
    return typer.Option(
        name, help=said, rich_help_panel=panel, metavar=metavar, autocompletion=complete, **more
    )


def _number(name: str, said: str, panel: str, metavar: str = "N") -> Any:
    """A number, which comes as it was typed: `RunConfig.of` reads it, and has our words for a wrong one."""
    return _option(name, said, panel, metavar, parser=str)


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

Trials = Annotated[int, _number("--trials", "Trials in all: complete, pruned and failed.", SEARCH)]
Budget = Annotated[
    str | None,
    _option(
        "--budget",
        "Wall-clock limit of the whole command: 90s, 30m, 2h. At most half goes to the search.",
        SEARCH,
        "TIME",
    ),
]
Epochs = Annotated[int, _number("--epochs", "Most epochs a trial may use.", SEARCH)]
Engine = Annotated[
    str, _option("--engine", "The library that chooses the trials: optuna, keras-tuner.", SEARCH)
]
Algorithm = Annotated[
    str | None,
    _option(
        "--algorithm",
        "Its algorithm. optuna: tpe (its default), random, grid, qmc, cmaes, gp (needs extra torch); "
        "keras-tuner: hyperband (its default), bayesian, random, grid.",
        SEARCH,
        "NAME",
    ),
]
Pruner = Annotated[
    str | None,
    _option(
        "--pruner",
        "How poor trials are stopped early: screen (optuna's default: all for a few epochs, the best "
        "few to the end), asha, hyperband, median, none (keras-tuner's default; its hyperband needs it).",
        SEARCH,
        "NAME",
    ),
]
Space = Annotated[
    str | None,
    _option(
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
    _option(
        "--set",
        "Fixes or narrows a parameter: NAME=VALUE, NAME=LOW..HIGH[:log], NAME=a,b,c; "
        "NAME=* opens a fixed one. Repeatable.",
        SEARCH,
        "NAME=…",
    ),
]
Seed = Annotated[
    int, _number("--seed", "Seed of everything random (the held-out test split is fixed).", SEARCH)
]
Deterministic = Annotated[
    bool,
    _option(
        "--deterministic",
        "The same trials and decisions for any number of workers up to 8: no slower with 2, 1.5 times "
        "as long with 8.",
        SEARCH,
    ),
]
Target = Annotated[
    float | None, _number("--target", "Stop the search once a trial's validation score reaches this.", SEARCH)
]
Patience = Annotated[
    int | None, _number("--patience", "Stop the search after so many trials without a better one.", SEARCH)
]
WarmStart = Annotated[
    list[str],
    _option(
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
    _number(
        "--max-parameters",
        "Most weights of a model: configurations that build larger ones are refused before they are "
        "trained, and the search learns to avoid them. The default is trained in any case, as a baseline.",
        SEARCH,
    ),
]
MaxLatencyMs = Annotated[
    float | None,
    _number(
        "--max-latency-ms",
        "Longest time to predict one image on one CPU thread: slower models are refused like too large "
        "ones. It is measured: close to the limit, another run may decide otherwise.",
        SEARCH,
        "MS",
    ),
]
Metric = Annotated[
    str,
    _option(
        "--metric",
        "The score that is optimised and ranked by: accuracy, balanced-accuracy, f1-macro, auc.",
        SEARCH,
    ),
]
ClassWeights = Annotated[
    str, _option("--class-weights", "Weight of rare classes in the loss: none, balanced.", SEARCH)
]
Precision = Annotated[
    str,
    _option(
        "--precision",
        "float32; bfloat16: faster on some CPUs, perhaps a point less accurate; auto: the faster one.",
        SEARCH,
    ),
]
On = Annotated[
    str,
    _option(
        "--on", "Where trials are trained: local, on this machine; ray, on a cluster (extra `ray`).", SEARCH
    ),
]
RayAddress = Annotated[
    str,
    _option(
        "--ray-address",
        "Of the cluster for --on ray: auto ($RAY_ADDRESS, else one running here, else a new one) or "
        "HOST:PORT.",
        SEARCH,
    ),
]
Devices = Annotated[str, _option("--devices", "auto, cpu, gpu, or GPU ids such as 0,1.", SEARCH)]
Workers = Annotated[
    str,
    _option(
        "--workers",
        "Trials at a time on each device: auto (one a core; on a GPU as many as pay) or a number.",
        SEARCH,
    ),
]

Baselines = Annotated[
    str | None,
    _option(
        "--baselines",
        "all, none, or names with commas (see `tune baselines`), or FILE.py:NAME. "
        "Without it, those that the data set names.",
        END,
        complete=complete.baselines,
    ),
]
FaithfulBaselines = Annotated[
    bool, _option("--faithful-baselines", "Train each baseline for its published number of epochs.", END)
]
Seeds = Annotated[
    int | None,
    _number(
        "--seeds",
        "Retrainings of the winner and each baseline (default 5 below 10,000 training images, else 3).",
        END,
    ),
]
Finalists = Annotated[
    int, _number("--finalists", "Best trials run again on fresh folds before the winner is named.", END)
]

Single = Annotated[
    bool,
    _option(
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

DataDir = Annotated[
    Path | None,
    _option(
        "--data-dir",
        "The folder of data sets, also for downloads: $TUNE_DATA_DIR, else the user data directory.",
        DATA,
        "DIR",
    ),
]
NoDownload = Annotated[bool, _option("--no-download", "Never touch the network.", DATA)]
Labels = Annotated[
    Path | None, _option("--labels", "For a path: the file of labels beside a file of images.", DATA, "FILE")
]
LabelColumn = Annotated[
    str | None, _option("--label-column", "For a CSV: the column of labels, by name or number from 1.", DATA)
]
GroupColumn = Annotated[
    str | None,
    _option(
        "--group-column",
        "For a CSV: images with the same value in this column stay on one side of a split.",
        DATA,
    ),
]
GroupRegex = Annotated[
    str | None,
    _option(
        "--group-regex",
        "For images by file name: those with the same match (of its first bracket, if it has one) stay "
        "on one side of a split.",
        DATA,
    ),
]
Test = Annotated[
    Path | None,
    _option("--test", "For a path: the test split; without it a fifth is held out.", DATA, "PATH"),
]
ImageShape = Annotated[
    str | None, _option("--image-shape", "For rows of pixels: HEIGHTxWIDTHxCHANNELS.", DATA, "28x28x1")
]

LabelRegex = Annotated[
    str | None,
    _option(
        "--label-regex",
        "For images by file name: the class is its match (of the first bracket, if it has one).",
        DATA,
    ),
]
Folders = Annotated[
    str | None,
    _option(
        "--folders",
        "For folders named like splits: splits, or classes whatever their names.",
        DATA,
        "classes|splits",
    ),
]
LabelLevel = Annotated[
    str | None,
    _option(
        "--label-level",
        "For folders inside class folders: the top one names the class, or the one an image lies in.",
        DATA,
        "top|leaf",
    ),
]
Spellings = Annotated[
    str | None,
    _option(
        "--spellings",
        "For labels such as ant and Ant, or 1 and 01: one class, or several.",
        DATA,
        "merge|keep",
    ),
]
PixelOrder = Annotated[
    str | None,
    _option(
        "--pixel-order",
        "For rows of colour values: red, green and blue of each pixel together, or one plane of each.",
        DATA,
        "pixels|planes",
    ),
]

Name = Annotated[
    str, _option("--name", "The run's name; several runs on one data set need one each.", OUTPUT)
]
Out = Annotated[Path, _option("--out", "The folder of run directories.", OUTPUT, "DIR")]
Fresh = Annotated[bool, _option("--fresh", "Rename an existing run, and start anew.", OUTPUT)]
Plain = Annotated[bool, _option("--plain", "No live display.", OUTPUT)]
Quiet = Annotated[bool, _option("--quiet", "Only warnings.", OUTPUT)]
Json = Annotated[
    bool, _option("--json", "The summary as JSON on standard output, all else on standard error.", OUTPUT)
]
JsonAlone = Annotated[bool, _option("--json", "JSON alone on standard output; see docs/json.md.", OUTPUT)]
Debug = Annotated[bool, _option("--debug", "Show tracebacks.", OUTPUT)]

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
Top = Annotated[int, _option("--top", "How many classes of each picture.", OUTPUT, "K")]
JsonLines = Annotated[bool, _option("--json", "A line of JSON for each picture.", OUTPUT)]
AnswersCsv = Annotated[Path | None, _option("--csv", "Write a CSV file, not a table.", OUTPUT, "FILE")]
Submission = Annotated[
    bool, _option("--submission", "The CSV has only id and label, as competitions ask.", OUTPUT)
]
Sheet = Annotated[
    Path | None, _option("--sheet", "Write a PNG of the pictures with their labels.", OUTPUT, "FILE")
]
Unsure = Annotated[
    float | None,
    _option(
        "--unsure",
        "The accuracy wanted of decisions, such as 0.99: names the pictures that the model should "
        "not decide, by a threshold chosen on held-out training images.",
        OUTPUT,
        "P",
    ),
]
Invert = Annotated[
    str,
    _option(
        "--invert",
        "Show the model negatives: auto (of pictures that are light where training images are dark, "
        "or the reverse), yes, no.",
        DATA,
    ),
]

Formats = Annotated[
    str,
    _option(
        "--to",
        "Formats, with commas: keras, saved-model, onnx, litert, openvino; card for a model card; "
        "script for one plain file that trains the winner.",
        OUTPUT,
        "FORMAT,…",
    ),
]
Quantize = Annotated[
    str | None,
    _option(
        "--quantize",
        "int8: a second LiteRT file that computes in 8 bits, and how much accuracy that costs.",
        OUTPUT,
        "int8",
    ),
]
Destination = Annotated[
    Path | None,
    _option("--dest", "Where to write; without it, the folder exports in the run directory.", OUTPUT, "DIR"),
]
