"""How `train_best.py` has a network of which only a head is trained, on features that a fixed part gives."""

from pathlib import Path

from search_spaces.family import Features, Params
from tuner.errors import UsageError
from tuner.training.models import save
from tuner.use.description import MODEL, Place
from tuner.use.exports import layer_code
from tuner.use.predictor import load_model

FILE = "features.keras"
IMPORTS = ("from pathlib import Path", "import numpy as np")

MIRRORED = "mirrored = features.predict(x_train[:, :, ::-1])"

BATCHES = '''\


def batches():
    """Batches without end: each image as it is or its mirror image, drawn anew each time."""
    rng = np.random.default_rng(0)
    versions = np.stack([x_train, mirrored])
    while True:
        order = rng.permutation(len(x_train))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            yield versions[rng.integers(2, size=len(rows)), rows], targets[rows]


'''


def mirrored(features: Features, params: Params) -> bool:
    """Whether a head is trained on mirror images too.

    Raises:
        UsageError: it is trained on further versions of the images.
    """
    more = features.views(params)[1:]
    if any(set(view) != {"mirror"} for view in more):
        raise UsageError(
            f"--to script writes out training on the images and their mirror images; this winner has seen "
            f"{len(more) + 1} versions of each (views={len(more) + 1})"
        )
    return bool(more)


def network(features: Features, params: Params, classes: int, place: Place, to: Path) -> list[str]:
    """The lines of the network; writes its fixed part, which is in the saved model, beside the script.

    Args:
        features: of the winner's family.
        params: of the winner.
        classes: number of classes.
        place: of the saved model.
        to: folder of the script.
    """
    fixed = load_model(place.folder / MODEL).get_layer("features")
    save(fixed, to / FILE)
    width = int(fixed.output_shape[-1])
    return [
        f"# 2. The network. {FILE} is the fixed part of it, with ImageNet weights: raw pixels in, {width:,}",
        "# features out, which are computed once. What is trained is a head: features in, a probability for",
        "# each class out.",
        "",
        "keras.utils.set_random_seed(0)",
        f'features = keras.saving.load_model(Path(__file__).with_name("{FILE}"))',
        *([MIRRORED] if mirrored(features, params) else []),
        "x_train, x_test = features.predict(x_train), features.predict(x_test)",
        "",
        *layer_code.lines(features.head(params, width, classes)),
        "model = keras.Model(inputs, outputs)",
        "model.summary()",
        "",
    ]
