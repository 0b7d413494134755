"""AdamW in few operations of TensorFlow is the AdamW of Keras."""

from typing import Any

import numpy as np
import pytest

RATES = (0.01, 0.02, 0.005, 0.005)


def trained(kind: Any, **options: Any) -> tuple[list[Any], list[Any], Any]:
    """Weights and their averages after four steps, and the model."""
    import keras

    random = np.random.default_rng(0)
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])
    model.set_weights([random.normal(size=each.shape) for each in model.get_weights()])
    model.compile(optimizer=kind(weight_decay=0.1, **options), loss="mse")
    for rate in RATES:
        model.optimizer.learning_rate = rate
        model.train_on_batch(random.normal(size=(8, 5)), random.normal(size=(8, 2)))
    own = model.get_weights()
    if options.get("use_ema"):
        model.optimizer.finalize_variable_values(model.trainable_variables)
    return own, model.get_weights(), model


@pytest.mark.parametrize(
    "options", [{"use_ema": True, "ema_momentum": 0.8}, {"gradient_accumulation_steps": 2}, {}], ids=str
)
def test_it_changes_weights_and_averages_as_keras_own_does(options: dict[str, Any]) -> None:
    import keras

    from tuner.training.adamw import AdamW

    (ours, our_averages, _), (theirs, their_averages, _) = (
        trained(kind, **options) for kind in (AdamW, keras.optimizers.AdamW)
    )
    for one, other in zip([*ours, *our_averages], [*theirs, *their_averages], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    averaged = any(not np.allclose(one, other) for one, other in zip(ours, our_averages, strict=True))
    assert averaged == ("use_ema" in options)


def test_a_variable_is_updated_by_one_operation() -> None:
    import tensorflow as tf  # noqa: TID251

    from tuner.training.adamw import AdamW

    *_, model = trained(AdamW)
    gradients = [tf.ones(variable.shape) for variable in model.trainable_variables]
    step = tf.function(lambda: model.optimizer.apply(gradients)).get_concrete_function()
    kinds = [operation.type for operation in step.graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == len(gradients)
    assert "Sqrt" not in kinds
