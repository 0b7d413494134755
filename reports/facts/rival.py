"""The model that a report measures the winner by first."""

from reports.facts.comparisons import Comparison
from reports.facts.final import Final
from reports.facts.models import Model


def untested_baselines(final: Final) -> list[str]:
    """Baselines that were to be compared and were not trained, by name; the default is not among them."""
    return [name for name in final.untested if name != "default"]


def tested_baselines(final: Final) -> list[Model]:
    """Baselines that were tested, the default left out."""
    return [model for model in final.baselines if model.test is not None and model.name != "default"]


def rival(final: Final) -> Model | None:
    """The best baseline by its test accuracy, if all were tested, else the default, if that was.

    A run that left a baseline out cannot say which is the best, as a budget drops the slowest first,
    which may be the strongest. None where nothing is left to measure by.
    """
    tested = tested_baselines(final)
    if tested and not untested_baselines(final):
        return max(tested, key=lambda model: model.test.mean if model.test else 0.0)
    default = next((model for model in final.baselines if model.name == "default"), None)
    return default if default is not None and default.test is not None and not final.is_default else None


def compared_with(final: Final, name: str) -> Comparison | None:
    """The winner against one baseline; None where that was not tested."""
    return next((item for item in final.comparisons if item.baseline == name), None)
