"""Does work items one after the other, and says what came of each: `python -m`, with a folder and items."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tuner.records import TrialSpec, WorkContext
from tuner.training import again
from tuner.training.perform import perform

SMALL = {"filters": 4, "dense_units": 8, "batch_size": 16, "augmentation": 0.0}


def memory() -> int:
    """Bytes that this process has in use, without the data sets that it has mapped."""
    from tuner.workers import worker

    return worker.resident()


def main() -> None:
    """Each line of results holds also the memory after it, and which model was trained."""
    folder, items = Path(sys.argv[1]), json.loads(sys.argv[2])
    classes = int(np.load(folder / "train_labels.npy").max()) + 1
    usual = FAMILY.space(Task((12, 12, 1), classes, 240)).default() | SMALL
    for item in items:
        parts, key, limits = item.pop("micro_batches", 1), item.pop("key", "key"), item.pop("limits", {})
        context = WorkContext(str(folder), str(folder), classes, "accuracy", False, "float32", **limits)
        split = None if item.get("purpose") == "retrain" else "search"
        given: dict[str, Any] = {
            "number": 0,
            "purpose": "trial",
            "seed": 3,
            "split": split,
            "fold": 0,
            **item,
        }
        params = usual | given.pop("params", {})
        spec = TrialSpec(model="search_spaces.cnn:FAMILY", params=params, **given)
        result = perform(spec, context, key, lambda _: True, parts)
        kept = again._kept[-1].model if again._kept else None
        more = {"memory": memory(), "model": id(kept), "compiled": getattr(kept, "jit_compile", None)}
        sys.stdout.write("RESULT " + json.dumps({**result.to_json(), **more}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
