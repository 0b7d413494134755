"""One rule from values as they are stored to 0 to 255, by the training images, the same for all others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tuner.errors import DataError

_TOPS = (1, 15, 16, 255, 1023, 4095, 16383, 65535)
ROUNDING = 1e-3
"""Share of its range by which a fraction may lie outside it."""
_FEW = 0.01
"""Values beyond 0 to 255, or fractions of them, in fewer places than this are mistakes, not a scale."""


@dataclass(frozen=True)
class Scale:
    """A range of stored values that becomes 0 to 255, rounded.

    Attributes:
        low, high: the stored values that become 0 and 255.
        least, most: of the values found in the training images.
    """

    low: float
    high: float
    least: float
    most: float

    @property
    def same(self) -> bool:
        """Whether values stay what they are."""
        return (self.low, self.high) == (0, 255)

    def __str__(self) -> str:
        """As the table of the reading has it."""
        text = f"{self.least:g} to {self.most:g}"
        return text if self.same else f"{text}; {self.low:g} to {self.high:g} became 0 to 255"

    def as_json(self) -> dict[str, float]:
        """Its fields, for `Scale.of_json`."""
        return {"low": self.low, "high": self.high, "least": self.least, "most": self.most}

    @classmethod
    def of_json(cls, facts: Mapping[str, Any]) -> Self:
        """The scale that `as_json` wrote."""
        return cls(*(float(facts[name]) for name in ("low", "high", "least", "most")))

    def apply(self, values: NDArray[Any], what: str) -> NDArray[np.uint8]:
        """Values as uint8.

        Raises:
            DataError: a value outside the range, naming the image (`what` and a number from 1).
        """
        if self.same and values.dtype == np.uint8:
            return values
        slack = ROUNDING * (self.high - self.low) if values.dtype.kind == "f" else 0
        with np.errstate(invalid="ignore"):
            good = (values >= self.low - slack) & (values <= self.high + slack)
        if not good.all():
            at = np.unravel_index(int((~good).argmax()), values.shape)
            raise DataError(
                f"{what}, image {int(at[0]) + 1} (from 1): value {values[at]}\n"
                f"expected {self.low:g} to {self.high:g}, as in the training images ({self})"
            )
        if self.same and values.dtype.kind in "iub":
            return values.astype(np.uint8)
        unit = (values.astype(np.float32) - self.low) * np.float32(255 / (self.high - self.low))
        scaled: NDArray[np.uint8] = np.rint(unit).clip(0, 255).astype(np.uint8)
        return scaled


UNCHANGED = Scale(0, 255, 0, 255)


def scale_of(values: NDArray[Any], what: str) -> Scale:
    """The scale of training images.

    Whole numbers become 0 to 255 from 0 to 1, 15, 16, 255, 1023, 4095, 16383 or 65535, whichever the
    largest value first fits; fractions from 0 to 1, or from -1 to 1, or are rounded.

    Raises:
        DataError: values that no such scale holds, naming the first image.
    """
    _refuse_types(values, what)
    if values.dtype == np.bool_:
        return Scale(0, 1, 0, 1)
    least, most = float(values.min()), float(values.max())
    fractions = values.dtype.kind == "f" and bool((values != np.rint(values)).any())
    if not (np.isfinite(least) and np.isfinite(most)):
        raise _refused(values, ~np.isfinite(values), what)
    if least < 0:
        if fractions and least >= -1 - ROUNDING and most <= 1 + ROUNDING:
            return Scale(0 if least >= -ROUNDING else -1, 1, least, most)
        raise _refused(values, values < 0, what)
    if fractions:
        odd = values != np.rint(values)
        if most <= 1 + ROUNDING:
            return Scale(0, 1, least, most)
        if most > 255 or most < 128 or odd.mean() < _FEW:
            raise _refused(values, odd if odd.mean() < _FEW else values == most, what)
        return Scale(0, 255, least, most)
    high = next((top for top in _TOPS if most <= top), None)
    if high is None or (high > 255 and (values > 255).mean() < _FEW):
        raise _refused(values, values > (255 if high else _TOPS[-1]), what)
    return Scale(0, 255 if most == 0 else high, least, most)


def _refuse_types(values: NDArray[Any], what: str) -> None:
    if values.dtype.kind not in "iufb":
        raise DataError(f"{what}: values of type {values.dtype}; expected whole numbers from 0 to 255")
    if not values.size:
        raise DataError(f"{what}: shape {values.shape}, no images; expected at least one")


def _refused(values: NDArray[Any], bad: NDArray[np.bool_], what: str) -> DataError:
    at = np.unravel_index(int(bad.argmax()), values.shape)
    return DataError(
        f"{what}, image {int(at[0]) + 1} (from 1): value {values[at]}; expected whole numbers from 0 to 255\n"
        "(or to 1, 15, 16, 1023, 4095, 16383 or 65535), or fractions from 0 to 1 or -1 to 1"
    )
