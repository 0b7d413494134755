from pathlib import Path

import numpy as np
import pytest

from search_spaces import cnn, mlp, resnet, transfer
from search_spaces.backbones import weights
from search_spaces.family import Task

TASK = Task((28, 28, 1), 5, 5000)


def kinds(model: object) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]  # type: ignore[attr-defined]


def test_a_block_pools_before_its_norm() -> None:
    params = cnn.space(TASK).complete({"augmentation": 0.0, "depth": 2, "head": "pooling", "dropout": 0.0})
    block = ["Conv2D", "MaxPooling2D", "BatchNormalization", "ReLU"]
    model = cnn.build(params, (28, 28, 1), 5)
    assert kinds(model) == ["InputLayer", "Rescaling", *block, *block, "GlobalAveragePooling2D", "Dense"]
    assert not any(layer.use_bias for layer in model.layers if type(layer).__name__ == "Conv2D")
    assert {layer.momentum for layer in model.layers if type(layer).__name__ == "BatchNormalization"} == {0.9}


def test_two_convolutions_a_block() -> None:
    params = cnn.space(TASK).complete(
        {"augmentation": 0.0, "depth": 1, "convs_per_block": 2, "conv_dropout": 0.1, "batch_norm": False}
    )
    model = cnn.build(params, (28, 28, 1), 5)
    expected = ["Conv2D", "ReLU", "Conv2D", "MaxPooling2D", "ReLU", "SpatialDropout2D", "Flatten"]
    assert kinds(model)[2:-3] == expected
    assert all(layer.use_bias for layer in model.layers if type(layer).__name__ == "Conv2D")


@pytest.mark.parametrize(("params", "filters"), [({}, [32, 64, 128]), ({"growth": 1.5}, [32, 48, 72])])
def test_filters_grow(params: dict[str, float], filters: list[int]) -> None:
    model = cnn.build(cnn.space(TASK).complete(params), (28, 28, 1), 5)
    assert [layer.filters for layer in model.layers if type(layer).__name__ == "Conv2D"] == filters


def test_filters_stop_growing_at_512() -> None:
    params = cnn.space(TASK).complete({"filters": 200, "depth": 4, "augmentation": 0.0})
    model = cnn.build(params, (28, 28, 1), 5)
    assert [layer.filters for layer in model.layers if type(layer).__name__ == "Conv2D"] == [
        200,
        400,
        512,
        512,
    ]


def test_pooling_stops_at_three_pixels_a_side() -> None:
    params = cnn.space(Task((40, 8, 1), 5, 5000)).complete({"depth": 5, "filters": 2, "augmentation": 0.0})
    model = cnn.build(params, (40, 8, 1), 5)
    sizes = [layer.output.shape[1:3] for layer in model.layers if type(layer).__name__ == "MaxPooling2D"]
    assert sizes == [(20, 4), (10, 4), (5, 4)]


@pytest.mark.parametrize(
    ("shape", "params"),
    [
        ((28, 28, 1), {}),
        ((28, 28, 1), {"filters": 24, "depth": 4, "head": "pooling"}),
        (
            (100, 160, 3),
            {"depth": 2, "growth": 1.5, "convs_per_block": 2, "kernel_size": 5, "dense_units": 64},
        ),
        ((8, 8, 1), {"depth": 3, "filters": 200}),
    ],
)
def test_the_cost_of_a_cnn_is_its_multiplications(
    shape: tuple[int, int, int], params: dict[str, float | str]
) -> None:
    space = cnn.space(Task(shape, 5, 5000))
    whole = space.complete(params)
    products = 0
    for layer in cnn.build(whole, shape, 5).layers[:-1]:
        if type(layer).__name__ in {"Conv2D", "Dense"}:
            places = layer.output.shape[1] * layer.output.shape[2] if len(layer.output.shape) == 4 else 1
            products += places * np.prod(layer.kernel.shape)
    assert space.cost is not None
    assert space.cost(whole) == pytest.approx(cnn.BESIDE + products)
    narrowed = space.with_settings(["filters=16..48"])
    assert narrowed.cost is space.cost
    assert cnn.space(Task(shape, 5, 5000, gpu=True)).cost is None


def test_sgd_has_a_rate_of_its_own() -> None:
    space = cnn.space(TASK).with_settings(["optimizer=sgd", "sgd_learning_rate=0.02..0.1"])
    assert "learning_rate" not in space.searched()
    recipe = cnn.FAMILY.recipe(space.complete({"sgd_learning_rate": 0.04}))
    assert (recipe.optimizer, recipe.learning_rate, recipe.weight_decay) == ("sgd", 0.04, 0.0)
    recipe = cnn.FAMILY.recipe(cnn.space(TASK).default())
    assert (recipe.optimizer, recipe.learning_rate, recipe.weight_decay) == ("adamw", 3e-3, 0.05)


def test_mlp_layers() -> None:
    params = mlp.space(TASK).complete({"augmentation": 0.0, "layers": 1, "dropout": 0.0})
    expected = ["InputLayer", "Rescaling", "Flatten", "Dense", "BatchNormalization", "ReLU", "Dense"]
    assert kinds(mlp.build(params, (28, 28, 1), 5)) == expected


def test_residual_stages_halve_the_image() -> None:
    params = resnet.space(TASK).complete({"augmentation": 0.0, "blocks": 2})
    model = resnet.build(params, (28, 28, 1), 5)
    sums = [layer.output.shape[1:] for layer in model.layers if type(layer).__name__ == "Add"]
    assert sums == [(28, 28, 16)] * 2 + [(14, 14, 32)] * 2 + [(7, 7, 64)] * 2


def transfer_params(**params: object) -> dict[str, bool | int | float | str]:
    return transfer.space(TASK).complete({"weights": "none", "resolution": 32, **params})


def test_transfer_freezes_its_backbone_or_trains_it() -> None:
    frozen = transfer.build(transfer_params(), (28, 28, 1), 5)
    trained = transfer.build(transfer_params(fine_tune=True), (28, 28, 1), 5)
    assert len(frozen.trainable_variables) == 2
    assert len(trained.trainable_variables) > 50
    images = np.zeros((2, 28, 28, 1), np.uint8)
    before = [np.asarray(v) for v in frozen.non_trainable_variables if "moving" in v.path]
    frozen.compile("sgd", "sparse_categorical_crossentropy")
    frozen.train_on_batch(images, np.zeros(2))
    after = [np.asarray(v) for v in frozen.non_trainable_variables if "moving" in v.path]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_a_backbone_that_is_trained_keeps_the_statistics_of_its_norms() -> None:
    model = transfer.build(transfer_params(fine_tune=True), (32, 32, 3), 5)
    model.compile("sgd", "sparse_categorical_crossentropy")
    moving = [v for v in model.non_trainable_variables if "moving" in v.path]
    before = [np.asarray(v) for v in moving]
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    model.train_on_batch(images, np.zeros(8))
    assert moving
    assert all((np.asarray(v) == old).all() for v, old in zip(moving, before, strict=True))


def test_transfer_takes_any_number_of_channels() -> None:
    for channels in (2, 3):
        model = transfer.build(transfer_params(), (40, 32, channels), 2)
        assert model.predict_on_batch(np.zeros((1, 40, 32, channels), np.uint8)).shape == (1, 1)


def test_transfer_rates() -> None:
    assert transfer.recipe(transfer_params()).learning_rate == 1e-3
    assert transfer.recipe(transfer_params(fine_tune=True)).learning_rate == 1e-4


def test_transfer_reads_weights_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users download a weights file of the backbone alone; here one of random weights."""
    from keras import applications

    source = applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    file = tmp_path / "mine.weights.h5"
    source.save_weights(file)
    monkeypatch.setenv(weights.VARIABLE, str(file))
    params = {**transfer_params(), "weights": "imagenet"}
    model = transfer.build(params, (28, 28, 1), 5)
    backbone = next(layer for layer in model.layers if layer.name.startswith("mobilenetv2"))
    for ours, theirs in zip(backbone.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_transfer_says_which_file_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {**transfer_params(), "weights": "imagenet"}
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    with pytest.raises(weights.WeightsError, match=r"no file .*mobilenet_v2.*_no_top\.h5"):
        transfer.build(params, (28, 28, 1), 5)


def test_transfer_without_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    params = {**transfer_params(), "weights": "imagenet"}
    with pytest.raises(weights.WeightsError) as caught:
        transfer.build(params, (28, 28, 1), 5)
    message = str(caught.value)
    assert "cannot be loaded by download" in message
    assert "TUNE_WEIGHTS" in message
    assert "--set weights=none" in message
    assert len(message.splitlines()) <= 3


def test_large_images_get_two_convolutions_only_where_they_are_cheap() -> None:
    def convolutions(side: int, *, gpu: bool) -> object:
        return cnn.space(Task((side, side, 3), 2, 2000, gpu=gpu)).default()["convs_per_block"]

    assert (convolutions(100, gpu=True), convolutions(100, gpu=False), convolutions(28, gpu=True)) == (
        2,
        1,
        1,
    )


def test_networks_from_scratch_see_large_images_shrunk_to_128() -> None:
    shape = (200, 150, 3)
    for family in (cnn, resnet, mlp):
        model = family.build(family.space(Task(shape, 5, 5000)).default(), shape, 5)
        assert model.input_shape == (None, *shape)
        assert model.get_layer("resize").output.shape == (None, 128, 96, 3)
        small = family.build(family.space(Task((64, 64, 3), 5, 5000)).default(), (64, 64, 3), 5)
        assert "resize" not in [layer.name for layer in small.layers]
