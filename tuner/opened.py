"""A run that has ended, to be looked at and used in a notebook or script."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.files import read_json
from tuner.run_dir import RunDir, find_run
from tuner.use.description import Place
from tuner.use.predictor import Predictor

if TYPE_CHECKING:
    import optuna
    import pandas as pd

SHOWN = ("leaderboard", "samples")
"""Figures of a report that a notebook shows."""


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        path: its directory, with `report.md`, `report.json`, `leaderboard.csv` and `model/`.
        report: `report.json`; README.md says what is in it. Its `final` is None where the run was
            stopped before its end.
        interrupted: whether it was stopped before its end.
    """

    path: Path
    report: dict[str, Any]
    interrupted: bool

    def __repr__(self) -> str:
        final = self.report.get("final")
        accuracy = final and final.get("test_accuracy")
        ended = "interrupted" if self.interrupted else "done"
        scored = ""
        if accuracy:
            from reports.markdown import decimals_for, percent

            scored = f", test accuracy {percent(accuracy['mean'], decimals_for(accuracy.get('ci95')))}"
        return f"Run({str(self.path)!r}, {ended}{scored})"

    def _repr_html_(self) -> str:
        """The answer, the leaderboard and figures, as a notebook shows them."""
        from reports.page import fragment

        text = (self.path / "report.md").read_text(encoding="utf-8")
        title, _, rest = text.partition("\n\n")
        answer = next((part for part in rest.split("\n\n") if part.startswith("**")), "")
        figures = [
            f"![](figures/{name}.png)" for name in SHOWN if (self.path / f"figures/{name}.png").exists()
        ]
        parts = [f"##{title}", answer, *figures[:1], _as_table(self), *figures[1:]]
        return fragment("\n\n".join(part for part in parts if part), self.path)

    @property
    def study(self) -> "optuna.Study":
        """The Optuna study, copied into memory: what is done with it does not touch the run."""
        from reports.facts.journal import read_study

        return read_study(RunDir(self.path).journal)

    @property
    def trials(self) -> "pd.DataFrame":
        """A row a trial: number, state, score, epochs, seconds, parameters, and its configuration."""
        import pandas as pd

        from reports.facts.journal import as_trial, read_trials

        found = [as_trial(frozen) for frozen in read_trials(RunDir(self.path).journal)]
        names = ("number", "state", "score", "epochs", "seconds", "parameters")
        rows = [{**{name: getattr(trial, name) for name in names}, **trial.params} for trial in found]
        return pd.DataFrame(rows, columns=None if rows else list(names))

    @property
    def leaderboard(self) -> "pd.DataFrame":
        """`leaderboard.csv`: the winner and the baselines on the test images, best first."""
        import pandas as pd

        return pd.read_csv(self.path / "leaderboard.csv")

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor.load(Place.find(self.path, self.path.parent))

    def model(self) -> Any:
        """The saved model, a Keras model from raw pixels to probabilities."""
        return self._predictor.model

    def predict(self, images: Any) -> "pd.DataFrame":
        """Labels of new images: a row an image, with `label`, `probability`, and a column for each class.

        Args:
            images: names of image files, folders or archives, which are read as training data are and
                give a column `file` too; or arrays of whole numbers from 0 to 255, (n, height, width,
                channels) or a list of single ones of any size.

        Raises:
            tuner.errors.TuneError: as `tune predict` would print it.
        """
        named = [images] if isinstance(images, str | Path) else images
        if isinstance(named, Sequence) and named and all(isinstance(each, str | Path) for each in named):
            return self._predict_files([str(each) for each in named])
        return self._frame(self._predictor.probabilities(images))

    def _predict_files(self, names: Sequence[str]) -> "pd.DataFrame":
        import pandas as pd

        from tuner.datasets.formats.files import Reader
        from tuner.use.pictures import sources

        model = self._predictor.description
        labels = model.labels
        with Reader() as reader:
            pictures = [
                picture
                for source in sources(names, ())
                for picture in source.read(reader, model.image_shape, model.scale)
            ]
        rows = []
        for answer in self._predictor.answers(pictures, len(pictures), top=len(labels)):
            said = dict(zip(answer.labels, answer.probabilities, strict=True))
            first = {"label": answer.labels[0], "probability": answer.probabilities[0]} if said else {}
            notes = answer.picture.error or "; ".join(answer.notes)
            found = {"file": answer.picture.name, **first, **{label: said.get(label) for label in labels}}
            rows.append({**found, "inverted": answer.inverted, "notes": notes})
        return pd.DataFrame(rows)

    def _frame(self, probabilities: Any) -> "pd.DataFrame":
        import pandas as pd

        labels = self._predictor.description.labels
        frame = pd.DataFrame(probabilities, columns=list(labels))
        best = probabilities.argmax(axis=1) if len(probabilities) else []
        frame.insert(0, "probability", probabilities.max(axis=1) if len(probabilities) else [])
        frame.insert(0, "label", [labels[i] for i in best])
        return frame


def load(name: str | Path, out: str | Path = "runs") -> Run:
    """Opens an earlier run.

    Args:
        name: its directory, or its name in `out`.
        out: where run directories are.

    Raises:
        tuner.errors.UsageError: there is no such run.
    """
    run = find_run(Path(name), Path(out))
    report = read_json(run.path / "report.json")
    return Run(run.path, report, report.get("state") != "done")


def _as_table(run: Run) -> str:
    """The leaderboard in Markdown."""
    from reports.markdown import code, percent, table

    rows = [[code(row["model"]), percent(row["test_accuracy"])] for row in run.leaderboard.to_dict("records")]
    return table(["model", "test accuracy"], rows, "lr") if rows else ""
