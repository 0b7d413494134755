"""Labels as one column for each class, of which one is 1."""

from collections.abc import Sequence

import numpy as np

from tuner.datasets.formats.csv_layout import is_number
from tuner.errors import UsageError


def one_hot_labels(columns: Sequence[Sequence[str]], names: Sequence[str], what: str) -> list[str]:
    """The label of each row.

    Args:
        columns: the texts of each class's column.
        names: of the classes.
        what: names the file in an error.

    Raises:
        UsageError: several classes of one row are 1 (multi-label targets), none is, or other values.
    """
    shown = ", ".join(repr(name) for name in names[:4]) + (", …" if len(names) > 4 else "")
    numbers = all(is_number(text) for column in columns for text in column)
    values = np.array([[float(text) if numbers else -1 for text in column] for column in columns]).T
    if not np.isin(values, (0, 1)).all():
        raise UsageError(
            f"{what}: cannot tell which column holds the labels: {shown}\n"
            "expected --label-column with its name"
        )
    several = int((values.sum(1) > 1).sum())
    if several or (values.sum(1) == 0).any():
        raise UsageError(
            f"{what}: {several} rows have several classes among {shown}: these are multi-label targets,"
            " which are not supported\nexpected one class an image, or --label-column with one column"
        )
    return [names[i] for i in values.argmax(1)]
