"""The winner's training as one plain file that a learner can read: `train_best.py`."""

import math
from pathlib import Path
from typing import Any

from search_spaces import SEARCH_SPACES
from search_spaces.family import Family, Recipe
from tuner import registry
from tuner.datasets.base import Dataset
from tuner.errors import UsageError
from tuner.files import read_json, write_atomically
from tuner.run_dir import RunDir
from tuner.run_json import RunRecord
from tuner.training import schedules
from tuner.training.fit import averaging
from tuner.use.description import Place
from tuner.use.exports import layer_code, script_data, script_features
from tuner.use.exports.images import cached, labels_of_test

FILE = "train_best.py"

TRAPEZOID = f'''

class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):
    """Rises to its peak in the first epoch, stays there, and falls to zero at the end."""

    def __init__(self, peak):
        self.peak = peak

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rise = (step + 1) / WARM_UP
        fall = (STEPS - step) / ({1 - schedules.CONSTANT_SHARE:.2f} * STEPS)
        return self.peak * keras.ops.clip(keras.ops.minimum(rise, fall), 0.0, 1.0)


rate = Trapezoid({{peak!r}})'''

COSINE = """\
rate = keras.optimizers.schedules.CosineDecay(
    0.0, STEPS - WARM_UP, warmup_target={peak!r}, warmup_steps=WARM_UP
)"""

SCHEDULES = {"trapezoid": TRAPEZOID, "cosine": COSINE, "constant": "rate = {peak!r}"}


def write(place: Place, to: Path) -> Path:
    """Writes the script, and beside it what it needs to read where the user's own files do not do.

    Raises:
        UsageError: the model is not that of a run that is done; its images are not on this machine; or the
            winner is no network of Keras' own layers, or was trained on drawn versions of features.
    """
    run = None if place.run is None else RunDir(place.run)
    if run is None or not run.final.is_file():
        raise UsageError("--to script writes out the winner of a run: expected a run that is done")
    record, winner = RunRecord.read(run.run), read_json(run.final)["models"][0]
    family = _family(record)
    params, features = winner["params"], family.features
    if family.fine_tunes(params):
        raise UsageError(
            "--to script writes out heads on a network that stays as it is, and this winner was fine-tuned\n"
            "--to keras has all of it; a run with --set unfrozen=0 keeps to heads"
        )
    mirrored = features is not None and script_features.mirrored(features, params)
    dataset, labels = cached(run), labels_of_test(run)
    if dataset is None or labels is None:
        raise UsageError(
            "--to script compares what it reads with the run's images, which are not in the cache of this "
            "machine\nrun tune plan with the run's data set first"
        )
    if features is None:
        network = _network(layer_code.lines(_built(family, params, dataset)))
    else:
        network = script_features.network(features, params, dataset.classes, place, to)
    needed = () if features is None else script_features.IMPORTS
    text = "\n".join(
        [
            *_head(record, run),
            *script_data.lines(record.config, dataset, labels, to, needed),
            *network,
            *_training(family.recipe(params), record, int(winner["epochs"]), dataset, mirrored=mirrored),
        ]
    )
    write_atomically(to / FILE, lambda file: file.write(text.encode()))
    return to / FILE


def _family(record: RunRecord) -> Family:
    """The winner's family, by its registered name or in the user's own file."""
    own = str(record.config.get("space") or "")
    name = record.space.name if record.space.name in SEARCH_SPACES else own
    family: Family = registry.resolve(registry.reference("search space", name, SEARCH_SPACES))
    return family


def _built(family: Family, params: Any, dataset: Dataset) -> Any:
    import keras

    keras.config.set_dtype_policy("float32")
    return family.build(params, dataset.image_shape, dataset.classes)


def _head(record: RunRecord, run: RunDir) -> list[str]:
    found = read_json(run.path / "report.json")["final"]["test_accuracy"]
    name = "".join(c for c in record.name if c.isprintable() and c not in '\\"')
    seeds = len(found["per_seed"])
    sure = f" (95 % interval {found['ci95'][0]:.3f} to {found['ci95'][1]:.3f})" if found["ci95"] else ""
    mean = f", the mean over {seeds} seeds" if seeds > 1 else ""
    return [
        f'"""Trains the network that won the run {name}, with Keras, NumPy and pandas alone.',
        "",
        f"In the run its test accuracy was {found['mean']:.3f}{mean}{sure}.",
        '"""',
        "",
    ]


def _network(lines: list[str]) -> list[str]:
    return [
        "# 2. The network: raw pixels in, a probability for each class out. Layers called Random change",
        "# images only while it is trained.",
        "",
        "keras.utils.set_random_seed(0)",
        *lines,
        "model = keras.Model(inputs, outputs)",
        "model.summary()",
        "",
    ]


def _training(
    recipe: Recipe, record: RunRecord, epochs: int, dataset: Dataset, *, mirrored: bool
) -> list[str]:
    """Optimizer, loss, training and test, as `tuner.training` has them."""
    images, two = len(dataset.train_labels), dataset.classes == 2
    batch = min(recipe.batch_size, images)
    smoothing = f"label_smoothing={recipe.label_smoothing!r}" if recipe.label_smoothing else ""
    loss = f"keras.losses.{'Binary' if two else 'Categorical'}Crossentropy({smoothing})"
    balanced = record.config.get("class_weights") == "balanced"
    guess = "(probabilities[:, 0] > 0.5)" if two else "probabilities.argmax(axis=1)"
    counted = [
        f"counts = np.bincount(y_train, minlength={dataset.classes})  # rare classes count more",
        "class_weight = dict(enumerate(len(y_train) / (len(counts) * np.maximum(1, counts))))",
    ]
    given = "batches(), steps_per_epoch=STEPS // EPOCHS, epochs=EPOCHS"
    if not mirrored:
        given = "x_train, targets, BATCH_SIZE, EPOCHS"
    ema = averaging(recipe.ema, epochs * math.ceil(images / batch))
    return [
        "# 3. Training on all training images: the number of epochs was fixed before, so none are held out.",
        "",
        f"EPOCHS, BATCH_SIZE = {epochs}, {batch}",
        "STEPS = EPOCHS * -(-len(x_train) // BATCH_SIZE)",
        *([] if recipe.schedule == "constant" else ["WARM_UP = max(1, min(STEPS // EPOCHS, STEPS // 4))"]),
        *SCHEDULES[recipe.schedule].format(peak=recipe.learning_rate).splitlines(),
        *_optimizer(recipe, ema),
        f'model.compile(optimizer, {loss}, metrics=["accuracy"])',
        f"targets = {'y_train' if two else f'keras.utils.to_categorical(y_train, {dataset.classes})'}",
        *(counted if balanced else []),
        *(script_features.BATCHES.splitlines() if mirrored else []),
        f"model.fit({given}{', class_weight=class_weight' if balanced else ''})",
        "",
        "# 4. The test images, which nothing above has looked at.",
        "",
        "probabilities = model.predict(x_test)",
        f"accuracy = ({guess} == y_test).mean()",
        'print(f"test accuracy {accuracy:.4f}")',
        "",
    ]


def _optimizer(recipe: Recipe, ema: float) -> list[str]:
    kinds = {"adamw": "AdamW", "adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
    given = ["rate"]
    if recipe.optimizer == "sgd":
        given.append(f"momentum={recipe.momentum!r}")
    if recipe.weight_decay and recipe.optimizer in {"adamw", "sgd"}:
        given.append(f"weight_decay={recipe.weight_decay!r}")
    if ema:
        given += ["use_ema=True", f"ema_momentum={ema:.4f}"]
    told = "# The weights that `fit` leaves are an average over the last steps."
    made = f"optimizer = keras.optimizers.{kinds[recipe.optimizer]}({', '.join(given)})"
    return [told, made] if ema else [made]
