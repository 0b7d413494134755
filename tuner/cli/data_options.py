"""The options that say which data there is, and how a user's own is to be read."""

from pathlib import Path
from typing import Annotated

from tuner.cli.options import DATA, option

DataDir = Annotated[
    Path | None,
    option(
        "--data-dir",
        "The folder of data sets, also for downloads: $TUNE_DATA_DIR, else the user data directory.",
        DATA,
        "DIR",
    ),
]
NoDownload = Annotated[bool, option("--no-download", "Never touch the network.", DATA)]
Labels = Annotated[
    Path | None, option("--labels", "For a path: the file of labels beside a file of images.", DATA, "FILE")
]
LabelColumn = Annotated[
    str | None, option("--label-column", "For a CSV: the column of labels, by name or number from 1.", DATA)
]
GroupColumn = Annotated[
    str | None,
    option(
        "--group-column",
        "For a CSV: images with the same value in this column stay on one side of a split.",
        DATA,
    ),
]
GroupRegex = Annotated[
    str | None,
    option(
        "--group-regex",
        "For images by file name: those with the same match (of its first bracket, if it has one) stay "
        "on one side of a split.",
        DATA,
    ),
]
Test = Annotated[
    Path | None,
    option("--test", "For a path: the test split; without it a fifth is held out.", DATA, "PATH"),
]
ImageShape = Annotated[
    str | None, option("--image-shape", "For rows of pixels: HEIGHTxWIDTHxCHANNELS.", DATA, "28x28x1")
]

LabelRegex = Annotated[
    str | None,
    option(
        "--label-regex",
        "For images by file name: the class is its match (of the first bracket, if it has one).",
        DATA,
    ),
]
Folders = Annotated[
    str | None,
    option(
        "--folders",
        "For folders named like splits: splits, or classes whatever their names.",
        DATA,
        "classes|splits",
    ),
]
LabelLevel = Annotated[
    str | None,
    option(
        "--label-level",
        "For folders inside class folders: the top one names the class, or the one an image lies in.",
        DATA,
        "top|leaf",
    ),
]
Spellings = Annotated[
    str | None,
    option(
        "--spellings",
        "For labels such as ant and Ant, or 1 and 01: one class, or several.",
        DATA,
        "merge|keep",
    ),
]
PixelOrder = Annotated[
    str | None,
    option(
        "--pixel-order",
        "For rows of colour values: red, green and blue of each pixel together, or one plane of each.",
        DATA,
        "pixels|planes",
    ),
]
