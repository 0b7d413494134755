"""Searches as users of other tools write them: `python -m tests.benchmarks.peer NAME DATA.npz SECONDS`.

Each takes the whole of its time, the imports of its libraries in it, keeps the model that its own random
validation split prefers, and prints one line of JSON: what that model scores on the images held out.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from search_spaces import SEARCH_SPACES
from search_spaces.augmentation import augmented
from search_spaces.family import Params, Task
from search_spaces.layers import class_probabilities, halvings
from search_spaces.space import SearchSpace
from tuner.registry import resolve

EPOCHS = 20
VALIDATION = 0.2
LEFT = 4.0
"""Seconds left for the last validation and the answer."""


@dataclass
class Work:
    """The data, split as such scripts do, and the clock.

    Attributes:
        arrays: of the archive: x_train, y_train, x_test, y_test.
        deadline: of `time.time`.
        best: validation accuracy, parameters and weights of the best model so far.
        images: trained on, in so many `seconds` of training.
    """

    arrays: dict[str, Any]
    deadline: float
    best: tuple[float, Params, list[Any]] | None = None
    images: int = 0
    seconds: float = 0.0
    trials: int = 0
    space: SearchSpace = field(init=False)

    def __post_init__(self) -> None:
        order = np.random.default_rng(0).permutation(len(self.arrays["y_train"]))
        cut = round(len(order) * VALIDATION)
        self.held, self.rows = order[:cut], order[cut:]
        self.shape = self.arrays["x_train"].shape[1:]
        self.classes = int(self.arrays["y_train"].max()) + 1
        self.space = resolve(SEARCH_SPACES["cnn"]).space(Task(self.shape, self.classes, len(self.rows)))

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.time() >= self.deadline

    def params(self, draw: Callable[[str], float]) -> Params:
        """A configuration from a number from 0 to 1 for each searched parameter."""
        return self.space.complete({n: self.space.from_unit(n, draw(n)) for n in self.space.searched()})

    def model(self, params: Params) -> Any:
        """The same filters, depth and parameters, with the layers in the usual order."""
        import keras
        from keras import layers

        inputs = keras.Input(self.shape)
        x = augmented(layers.Rescaling(1 / 255)(inputs), params)
        filters = int(params["filters"])
        for block in range(int(params["depth"])):
            x = layers.Conv2D(round(filters * float(params["growth"]) ** block), 3, padding="same")(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            if block < halvings(self.shape):
                x = layers.MaxPooling2D()(x)
            if params["conv_dropout"]:
                x = layers.SpatialDropout2D(float(params["conv_dropout"]))(x)
        if params["head"] == "dense":
            x = layers.Dense(int(params["dense_units"]), activation="relu")(layers.Flatten()(x))
        else:
            x = layers.GlobalAveragePooling2D()(x)
        model = keras.Model(
            inputs, class_probabilities(layers.Dropout(float(params["dropout"]))(x), self.classes)
        )
        optimizer = keras.optimizers.AdamW(float(params["learning_rate"]), float(params["weight_decay"]))
        loss = "binary_crossentropy" if self.classes == 2 else "sparse_categorical_crossentropy"
        model.compile(optimizer, loss, metrics=["accuracy"])
        return model

    def data(self) -> dict[str, Any]:
        """Arguments of `Model.fit`."""
        x, y = self.arrays["x_train"], self.arrays["y_train"]
        return {
            "x": x[self.rows],
            "y": y[self.rows],
            "validation_data": (x[self.held], y[self.held]),
            "batch_size": int(self.space.default()["batch_size"]),
            "verbose": 0,
        }

    def callback(self, params: Params, stop: Callable[[], None] = lambda: None) -> Any:
        """Ends a training when the time is up, counts images, and keeps the best weights."""
        import keras

        work = self

        class Watch(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
            """Of one training."""

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.began = time.perf_counter()

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                if work.over:
                    self.model.stop_training = True
                    stop()
                if batch == 0:  # the first one compiles
                    self.began, self.done = time.perf_counter(), 0
                else:
                    self.done += 1

            def on_test_begin(self, logs: Any = None) -> None:
                work.seconds += time.perf_counter() - self.began
                work.images += self.done * int(work.space.default()["batch_size"])

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                accuracy = float((logs or {})["val_accuracy"])
                if work.best is None or accuracy > work.best[0]:
                    work.best = (accuracy, params, self.model.get_weights())

        work.trials += 1
        return Watch()

    def answer(self) -> dict[str, Any]:
        """The score of the best model on the images held out."""
        if self.best is None:
            return {"accuracy": None, "validation": None, "trials": self.trials, "images_per_second": 0.0}
        validation, params, weights = self.best
        model = self.model(params)
        model.set_weights(weights)
        guessed = model.predict(self.arrays["x_test"], verbose=0)
        classes = guessed.argmax(1) if self.classes > 2 else (guessed[:, 0] > 0.5)
        return {
            "accuracy": float((classes == self.arrays["y_test"]).mean()),
            "validation": validation,
            "trials": self.trials,
            "images_per_second": self.images / self.seconds if self.seconds else 0.0,
        }


def plain(work: Work) -> None:
    """One training of the space's default until the time is up."""
    params = work.space.default()
    work.model(params).fit(**work.data(), epochs=10_000, callbacks=[work.callback(params)])


def optuna(work: Work) -> None:
    """TPE with a median pruner that sees each epoch, as `KerasPruningCallback` has it."""
    import keras
    import optuna as library

    library.logging.set_verbosity(library.logging.WARNING)

    def objective(trial: library.Trial) -> float:
        params = work.params(lambda name: trial.suggest_float(name, 0.0, 1.0))

        class Prune(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
            """Reports each epoch."""

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                trial.report(float((logs or {})["val_accuracy"]), epoch)
                if trial.should_prune():
                    raise library.TrialPruned

        watch = work.callback(params, trial.study.stop)
        history = work.model(params).fit(**work.data(), epochs=EPOCHS, callbacks=[watch, Prune()])
        return float(max(history.history["val_accuracy"]))

    study = library.create_study(
        direction="maximize",
        sampler=library.samplers.TPESampler(seed=0),
        pruner=library.pruners.MedianPruner(n_startup_trials=2),
    )
    while not work.over:
        study.optimize(objective, n_trials=1)


def keras_tuner(work: Work) -> None:
    """Hyperband with its usual factor of 3."""
    import tempfile

    import keras_tuner as library

    class Hyperband(library.Hyperband):  # type: ignore[misc, unused-ignore]
        """Keeps the best weights as the others do, in place of reading them from the disk."""

        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            params = work.params(lambda name: trial.hyperparameters.Float(name, 0.0, 1.0))
            kwargs["callbacks"] = [work.callback(params, _time_is_up)]
            return super().run_trial(trial, *args, **kwargs)

    def _time_is_up() -> None:
        raise library.errors.FatalError("the time is up")

    def build(hp: Any) -> Any:
        return work.model(work.params(lambda name: hp.Float(name, 0.0, 1.0)))

    with tempfile.TemporaryDirectory() as folder:
        search = Hyperband(
            build, objective="val_accuracy", max_epochs=EPOCHS, seed=1, directory=folder, project_name="peer"
        )
        try:
            search.search(**work.data())
        except library.errors.FatalError:
            return


PEERS: dict[str, Callable[[Work], None]] = {"keras-tuner": keras_tuner, "optuna": optuna, "plain": plain}


def main() -> None:
    """Searches, and prints the answer."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peer", description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("data", type=Path)
    parser.add_argument("seconds", type=float)
    asked = parser.parse_args()
    began = psutil.Process().create_time()
    with np.load(asked.data) as archive:
        work = Work(dict(archive), began + asked.seconds - LEFT)
    PEERS[asked.name](work)
    print(json.dumps({**work.answer(), "seconds": time.time() - began}))


if __name__ == "__main__":
    main()
