"""Every path of a run directory, and its lock."""

import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tuner.errors import RunError, UsageError
from tuner.files import copy_file, is_disk_error, read_json, write_json
from tuner.records import TrialResult, TrialSpec


def find_run(name: Path, out: Path) -> "RunDir":
    """The run that a name in `out`, or a path, stands for.

    Raises:
        UsageError: there is none; it names those there are.
    """
    for path in (name, out / name):
        if (path / "run.json").is_file():
            return RunDir(path)
    known = sorted(path.parent.name for path in out.glob("*/run.json"))
    raise UsageError(f"no run {str(name)!r}\nruns in {out}: {', '.join(known) or 'none'}")


def newest_run(out: Path) -> "RunDir":
    """The run in `out` that was written to last.

    Raises:
        UsageError: there is none.
    """
    found = [path for path in out.glob("*/run.json") if not is_set_aside(path.parent)]
    if not found:
        raise UsageError(f"no run in {out}\nexpected a run directory or name, or another --out")
    return RunDir(max(found, key=_written).parent)


def _written(run: Path) -> float:
    """When a run was last written to, by the times of its record and its journal."""
    return max(path.stat().st_mtime for path in (run, run.with_name("study.journal")) if path.exists())


def is_set_aside(path: Path) -> bool:
    """Whether a directory is a run that `--fresh` has renamed."""
    return re.search(r"\.\d{8}-\d{6}$", path.name) is not None


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """Says of a directory that the system does not make that it is `--out` which names it."""
    try:
        yield
    except OSError as error:
        if is_disk_error(error):
            raise
        raise UsageError(
            f"{path} cannot be made: {error.strerror}\nexpected a directory to write to: see --out"
        ) from error


class RunDir:
    """The directory of one run. Owns every file name in it.

    Attributes:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock = FileLock(self.path / ".lock")
        self._made = False

    @property
    def run(self) -> Path:
        """Configuration, data fingerprint, versions, state."""
        return self.path / "run.json"

    @property
    def journal(self) -> Path:
        """The Optuna study."""
        return self.path / "study.journal"

    @property
    def splits(self) -> Path:
        """The fold of each training image in each split."""
        return self.path / "splits.npz"

    @property
    def audit(self) -> Path:
        """The data audit."""
        return self.path / "audit.json"

    @property
    def final(self) -> Path:
        """Results of the end of the run: winner, baselines, finalists."""
        return self.path / "final.json"

    @property
    def predictions(self) -> Path:
        """Class probabilities of validation and test images by model and seed."""
        return self.path / "predictions.npz"

    @property
    def histories(self) -> Path:
        """Learning curves of everything trained after the search."""
        return self.path / "histories.json"

    @property
    def images(self) -> Path:
        """The few test images that the report shows."""
        return self.path / "images.npz"

    @property
    def names(self) -> Path:
        """The file or row that each test image came from, in the order of the predictions."""
        return self.path / "names.json"

    @property
    def model(self) -> Path:
        """`model.keras` and `labels.json`."""
        return self.path / "model"

    @property
    def ensemble(self) -> Path:
        """The winner's seeds as one model, where earlier versions put it."""
        return self.model / "ensemble.keras"

    @property
    def logs(self) -> Path:
        """The workers' logs."""
        return self.path / "logs"

    @property
    def fits(self) -> Path:
        """Finished trainings after the search, by the digest of what was trained."""
        return self.path / "fits"

    @property
    def checkpoints(self) -> Path:
        """States of paused trials, as long as they can be needed."""
        return self.path / "checkpoints"

    def checkpoint(self, key: str) -> Path:
        """The saved state of a training under way."""
        return self.checkpoints / f"{key}.npz"

    def check_ours(self) -> None:
        """Refuses a directory of the user's; one that is new, empty, or that a run began in, may be used.

        Raises:
            UsageError: it holds something else.
        """
        if not self.path.is_dir() or self.run.exists():
            return
        # Left by a run that ended before it had a `run.json`.
        begun = re.compile(rf"\.lock|{self.splits.name}|{self.audit.name}|\..*\.tmp")
        other = [path.name for path in self.path.iterdir() if not begun.fullmatch(path.name)]
        if other:
            raise UsageError(
                f"{self.path} is no run's directory, as it holds {min(other)!r}: see --name and --out"
            )

    def lock(self) -> FileLock:
        """Takes the run for this process; the system frees it when the process ends, however it ends.

        Raises:
            UsageError: another process has it.
        """
        self._made = not self.path.exists()
        with _making(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"another tune command is at work in {self.path}\n"
                "wait for it, or give this run another --name or --out"
            ) from None
        self._remove_temporary_files()
        return self._lock

    def _remove_temporary_files(self) -> None:
        """Removes files that killed processes had begun to write; nobody writes while we take the lock."""
        for path in [*self.path.rglob(".*.tmp"), *self.path.rglob(".*.tmp.keras")]:
            path.unlink(missing_ok=True)

    def set_aside(self) -> Path | None:
        """Renames the directory so that a new run can start; returns the new path, None if there was none.

        Raises:
            UsageError: another process is at work in it.
        """
        if not self.path.exists():
            return None
        aside = self.path.with_name(f"{self.path.name}.{time.strftime('%Y%m%d-%H%M%S')}")
        lock = self.lock()
        try:
            self.path.rename(aside)
        finally:
            lock.release()
        return aside

    def remove(self) -> None:
        """Removes what a run that has just begun has written, and the directory if `lock` made it.

        Nothing else is in it: `check_ours` has seen to that.
        """
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if self._made:
            self.path.rmdir()

    def load_fit(self, key: str, spec: TrialSpec) -> TrialResult | None:
        """A finished training with the files that `spec` asks for; None if one is missing, or damaged."""
        path = self.fits / f"{key}.json"
        if not path.exists() or (spec.save and not self.fitted_model(key).exists()):
            return None
        try:
            result = TrialResult.from_json(read_json(path))
        except (RunError, KeyError, TypeError):
            return None
        return result if not result.output or zipfile.is_zipfile(self.path / result.output) else None

    def fitted_model(self, key: str) -> Path:
        """Where a training keeps its model, if it was to."""
        return self.fits / f"{key}.keras"

    def share_fit(self, cache: Path, key: str) -> None:
        """Copies a finished training to a directory that runs share; its record last."""
        for name in (f"{key}.npz", f"{key}.json"):
            copy_file(self.fits / name, cache / name)

    def fetch_fit(self, cache: Path, key: str) -> bool:
        """Copies a finished training from there; returns whether there was one."""
        if not (cache / f"{key}.json").exists():
            return False
        for name in (f"{key}.npz", f"{key}.json"):
            copy_file(cache / name, self.fits / name)
        return True

    def save_fit(self, key: str, result: TrialResult) -> None:
        """Records a finished training."""
        write_json(self.fits / f"{key}.json", result.to_json())
