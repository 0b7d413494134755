"""The data that models were trained and tested on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DatasetFacts:
    """The data that models were trained and tested on.

    Attributes:
        n_validation: training images that a fold holds out.
        groups: of each split; images of one stay on one side of every split.
        duplicate_groups: the same of near-copies alone, without groups that the user named.
        share: of the others, on which trials and the fresh folds were trained.
    """

    name: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    n_train: int
    n_validation: int
    n_test: int
    noun: str
    groups: Mapping[str, int]
    duplicate_groups: Mapping[str, int]
    leaked_test_images: int
    share: float = 1.0

    @property
    def grouped(self) -> bool:
        """Whether test images share groups, so that a group and an image are different things."""
        return self.groups.get("test", self.n_test) < self.n_test

    @property
    def held_out(self) -> float:
        """Validation images of a fold divided by its training images."""
        return self.n_validation / max(1.0, self.share * (self.n_train - self.n_validation))


def dataset_facts(data: Mapping[str, Any], plan: Mapping[str, Any]) -> DatasetFacts:
    """As the parts "dataset" and "plan" of `run.json` say it."""
    height, width, channels = data["image_shape"]
    return DatasetFacts(
        name=data["name"],
        fingerprint=data.get("fingerprint", ""),
        image_shape=(height, width, channels),
        class_names=tuple(str(name) for name in data["class_names"]),
        n_train=int(data["n_train"]),
        n_validation=int(data["n_validation"]),
        n_test=int(data["n_test"]),
        noun=data.get("noun") or "images",
        groups=dict(data.get("groups") or data.get("duplicate_groups") or {}),
        duplicate_groups=dict(data.get("duplicate_groups") or {}),
        leaked_test_images=int(data.get("leaked_test_images") or 0),
        share=float(plan.get("share") or 1.0),
    )
