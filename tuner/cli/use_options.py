"""The options of the commands that use a saved model: predict and export."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import complete
from tuner.cli.options import DATA, OUTPUT, option

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
Top = Annotated[int, option("--top", "How many classes of each picture.", OUTPUT, "K")]
JsonLines = Annotated[bool, option("--json", "A line of JSON for each picture.", OUTPUT)]
AnswersCsv = Annotated[Path | None, option("--csv", "Write a CSV file, not a table.", OUTPUT, "FILE")]
Submission = Annotated[
    bool, option("--submission", "The CSV has only id and label, as competitions ask.", OUTPUT)
]
Sheet = Annotated[
    Path | None, option("--sheet", "Write a PNG of the pictures with their labels.", OUTPUT, "FILE")
]
Unsure = Annotated[
    float | None,
    option(
        "--unsure",
        "The accuracy wanted of decisions, such as 0.99: names the pictures that the model should "
        "not decide, by a threshold chosen on held-out training images.",
        OUTPUT,
        "P",
    ),
]
Invert = Annotated[
    str,
    option(
        "--invert",
        "Show the model negatives: auto (of pictures that are light where training images are dark, "
        "or the reverse), yes, no.",
        DATA,
    ),
]

Formats = Annotated[
    str,
    option(
        "--to",
        "Formats, with commas: keras, saved-model, onnx, litert, openvino; card for a model card; "
        "script for one plain file that trains the winner.",
        OUTPUT,
        "FORMAT,…",
    ),
]
Quantize = Annotated[
    str | None,
    option(
        "--quantize",
        "int8: a second LiteRT file that computes in 8 bits, and how much accuracy that costs.",
        OUTPUT,
        "int8",
    ),
]
Destination = Annotated[
    Path | None,
    option("--dest", "Where to write; without it, the folder exports in the run directory.", OUTPUT, "DIR"),
]
