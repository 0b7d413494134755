"""The models that the winner is compared with: networks and recipes of others, one file each."""

BASELINES: dict[str, str] = {
    "majority": "tuner.baselines.majority:BASELINE",
    "logistic": "tuner.baselines.logistic:BASELINE",
    "dense-512": "tuner.baselines.dense_512:BASELINE",
    "three-layer": "tuner.baselines.three_layer:BASELINE",
    "course-cnn": "tuner.baselines.course_cnn:BASELINE",
    "course-cnn-augmented": "tuner.baselines.course_cnn_augmented:BASELINE",
    "asl-cnn": "tuner.baselines.asl_cnn:BASELINE",
    "deep-cnn": "tuner.baselines.deep_cnn:BASELINE",
    "cats-dogs-cnn": "tuner.baselines.cats_dogs_cnn:BASELINE",
}
"""name -> "module:ATTRIBUTE" of its `Baseline`; strings, so that listing them imports nothing."""
