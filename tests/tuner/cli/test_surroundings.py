"""The same short run, and the other commands, where streams, environment and folders are odd."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import ROOT
from tests.helpers.make_run import make_run
from tests.helpers.runs import Tune, command, fresh_start, read_until, report_of, start
from tuner.workers.driver import stops

RUN = [
    "digits", "--trials", "2", "--epochs", "2", "--workers", "1", "--seeds", "1", "--finalists", "1",
    "--baselines", "none", "--precision", "float32",
]  # fmt: skip
ARCHIVE = "runs/digits"


def obey_permissions() -> None:
    """Root, too, may then write only where the permissions let it (Linux)."""
    if os.geteuid() == 0:
        drop_from_bounding_set = 24
        for capability in (1, 2):  # to override permissions for writing, and for reading
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


@dataclass
class Surroundings:
    """The surroundings that a command is started in."""

    environment: dict[str, str] = field(default_factory=dict)
    stdout: int = subprocess.PIPE
    preexec: Callable[[], None] | None = None
    words: tuple[str, ...] = ()
    name: str = "digits"
    draws: bool = False
    """Whether the figures are drawn, where what draws them might mind the surroundings."""


def streams_of(encoding: str) -> Callable[[Path], Surroundings]:
    return lambda _: Surroundings({"LC_ALL": "C", "PYTHONIOENCODING": encoding})


def a_notebook(folder: Path) -> Surroundings:
    startup = folder / "startup.py"
    startup.write_text("raise SystemExit(3)\n")
    (folder / "keras.py").write_text("raise ImportError('the wrong Keras')\n")
    return Surroundings(
        {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONSTARTUP": str(startup),
            "PYTHONOPTIMIZE": "1",
            "PYTHONINSPECT": "",
            "JPY_PARENT_PID": "1",
        },
        draws=True,
    )


def a_home_that_cannot_be_written(folder: Path) -> Surroundings:
    home = folder / "home"
    home.mkdir()
    home.chmod(0o555)
    empty = dict.fromkeys(("TUNE_CACHE_DIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "KERAS_HOME"), "")
    changed = {**empty, "HOME": str(home), "TMPDIR": str(folder)}
    return Surroundings(changed, preexec=obey_permissions, draws=True)


def a_cache_that_cannot_be_written(folder: Path) -> Surroundings:
    cache = folder / "cache"
    cache.mkdir()
    cache.chmod(0o555)
    return Surroundings({"TUNE_CACHE_DIR": str(cache), "TMPDIR": str(folder)}, preexec=obey_permissions)


def closed_streams(folder: Path) -> Surroundings:
    return Surroundings(preexec=lambda: os.closerange(0, 3))


def a_full_stream(folder: Path) -> Surroundings:
    return Surroundings(stdout=os.open("/dev/full", os.O_WRONLY))


def a_reader_that_has_gone(folder: Path) -> Surroundings:
    reads, writes = os.pipe()
    os.close(reads)
    return Surroundings(stdout=writes)


def damaged_runs(folder: Path) -> Surroundings:
    runs = folder / "runs"
    make_run(runs / "whole", "alone")
    texts: Mapping[bytes, bytes] = {
        b"caf\xe9": b"{",
        b"list": b"[1, 2]",
        b"binary": bytes(range(256)),
        b"empty": b"",
        b"newer": b'{"schema_version": 99, "name": "x"}',
        b"types": b'{"schema_version": 1, "name": "\\udce9", "dataset": 3, "config": []}',
    }
    for name, text in texts.items():
        path = runs / os.fsdecode(name)
        path.mkdir()
        (path / "run.json").write_bytes(text)
    shutil.copytree(runs / "whole", runs / "odd")
    facts = json.loads((runs / "odd" / "run.json").read_text())
    facts["name"] = "caf\udce9"
    (runs / "odd" / "run.json").write_text(json.dumps(facts))
    (runs / "odd" / "report.json").unlink(missing_ok=True)
    return Surroundings()


def a_name_that_is_no_text(folder: Path) -> Surroundings:
    return Surroundings(words=("--name", os.fsdecode(b"caf\xe9")), name=os.fsdecode(b"caf\xe9"))


def a_folder_that_takes_no_index(folder: Path) -> Surroundings:
    (folder / "runs" / "digits").mkdir(parents=True)
    (folder / "runs" / "README.md").write_text("# Runs\n")
    (folder / "runs").chmod(0o555)
    return Surroundings(preexec=obey_permissions)


MATRIX = [
    streams_of("ascii"), streams_of("latin-1"), a_notebook, a_home_that_cannot_be_written,
    a_cache_that_cannot_be_written, closed_streams, a_full_stream, a_reader_that_has_gone, damaged_runs,
    a_name_that_is_no_text,
    a_folder_that_takes_no_index,
]  # fmt: skip
NAMES = [
    "ascii", "latin-1", "notebook", "home", "cache", "closed", "full", "broken pipe", "damaged runs", "name",
    "index",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="surroundings of Linux")
@pytest.mark.parametrize("made", MATRIX, ids=NAMES)
def test_a_run_ends_well(
    made: Callable[[Path], Surroundings], curves: dict[str, str], tmp_path: Path
) -> None:
    around = made(tmp_path)
    changed = {**curves, **around.environment}
    module = "tuner.cli" if around.draws else curves["COMMAND_LINE"]
    done = subprocess.run(
        command(*RUN, *around.words, module=module),
        cwd=tmp_path,
        env={name: value for name, value in changed.items() if value or name not in around.environment},
        stdout=around.stdout,
        stderr=subprocess.PIPE,
        preexec_fn=around.preexec,
        check=False,
        timeout=300,
    )
    if around.stdout != subprocess.PIPE:
        os.close(around.stdout)
    told = done.stderr.decode(errors="backslashreplace")
    assert done.returncode == 0, told
    assert "defect" not in told
    if made is a_folder_that_takes_no_index:
        (tmp_path / "runs").chmod(0o755)
        assert b"the index of runs in" in done.stdout
    assert report_of(tmp_path / "runs" / around.name)["state"] == "done"
    index = (tmp_path / "runs" / "README.md").read_text()
    assert "| not finished" not in index
    if made is damaged_runs:
        assert all(f"- {name}: " in index for name in (r"caf\xe9", "list", "binary", "empty", "newer"))
        assert "\n| alone |" in index
        assert r"caf\xe9 |" in index


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "words",
    [["--help"], ["run", "--help"], ["spaces"], ["baselines"], ["datasets"], ["compare"], ["report", "café"]],
    ids=lambda words: words[0] + str(len(words)),
)
def test_what_a_stream_cannot_show_is_written_as_it_can(
    words: list[str], encoding: str, environment: dict[str, str], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs" / "café", "alone")
    facts = json.loads((tmp_path / "runs" / "café" / "run.json").read_text())
    (tmp_path / "runs" / "café" / "run.json").write_text(json.dumps({**facts, "name": "café"}))
    done = subprocess.run(
        command(*words, module="tests.helpers.undrawn"),
        cwd=tmp_path,
        env={**environment, "LC_ALL": "C", "PYTHONUTF8": "1", "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


def test_a_reader_that_had_enough_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    around = a_reader_that_has_gone(tmp_path)
    done = subprocess.run(
        command("spaces"), env=environment, stdout=around.stdout, stderr=subprocess.PIPE, check=False
    )
    os.close(around.stdout)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no full device")
def test_a_full_stream_is_told_as_that(environment: dict[str, str], tmp_path: Path) -> None:
    around = a_full_stream(tmp_path)
    done = subprocess.run(
        command("spaces"), env=environment, stdout=around.stdout, stderr=subprocess.PIPE, check=False
    )
    os.close(around.stdout)
    assert done.returncode == 1
    assert done.stderr == b"error: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", [["status", "digits"], ["compare"], ["report", "digits", "--to", "here"]])
def test_an_archive_that_cannot_be_written_is_read(
    words: list[str], curve_run: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    done = on_an_archive(words, curve_run, environment, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert words[0] != "report" or (tmp_path / "here" / "report.md").read_text().startswith("# ")
    assert words[0] != "report" or (tmp_path / "here" / "figures").is_dir()


def test_a_report_into_an_archive_names_the_way_out(
    curve_run: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    done = on_an_archive(["report", "digits"], curve_run, environment, tmp_path)
    assert done.returncode == 2
    assert "cannot be written: Permission denied" in done.stderr
    assert "--to DIR" in done.stderr


def on_an_archive(
    words: list[str], run: Path, environment: dict[str, str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    archived = shutil.copytree(run, folder / ARCHIVE)
    paths = [archived.parent, archived, *archived.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        return subprocess.run(
            command(*words),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=obey_permissions,
        )
    finally:
        for path in paths:
            path.chmod(0o755)


@pytest.mark.parametrize("out", ["/proc/none/runs", "file/runs"])
def test_an_out_that_cannot_be_made_is_an_error_of_use(tune_curves: Tune, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("")
    done = tune_curves(*RUN, "--out", out, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "see --out" in done.stderr


@pytest.mark.parametrize("words", [RUN, ["status", "digits"], ["compare"]])
def test_a_current_directory_that_is_gone_is_told(
    words: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command(*words)],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert "defect" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    getattr(signal, "SIGHUP", None) not in stops(), reason="SIGHUP is ignored here, as under nohup"
)
def test_a_terminal_that_goes_away_ends_a_run_as_sigterm_does(curves: dict[str, str], tmp_path: Path) -> None:
    process = start({**curves, "CURVE_SECONDS": "0.3"}, tmp_path, *RUN, "--trials", "8")
    read_until(process, "[1/8]")
    process.send_signal(signal.SIGHUP)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert report_of(tmp_path / "runs" / "digits")["state"] == "interrupted"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGHUP")
def test_nohup_keeps_a_run_from_ending_with_its_terminal(curves: dict[str, str], tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` leaves it to the command
    try:
        process = fresh_start({**curves, "CURVE_SECONDS": "0.2"}, tmp_path, *RUN, "--trials", "4")
    finally:
        signal.signal(signal.SIGHUP, before)
    read_until(process, "[1/4]")
    process.send_signal(signal.SIGHUP)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output


@pytest.fixture(scope="module")
def digits_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    rows = [",".join(["label", *(f"p{i}" for i in range(64))])]
    rows += [
        ",".join(map(str, [label, *map(int, image)]))
        for image, label in zip(images[:400], labels, strict=False)
    ]
    (folder / "own.csv").write_text("\n".join(rows))
    return folder / "own.csv"


@pytest.mark.slow
def test_a_path_that_is_no_text_poisons_no_folder_of_runs(
    tune_curves: Tune, digits_csv: Path, tmp_path: Path
) -> None:
    data = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")
    shutil.copy(digits_csv, data)
    first = tune_curves(data, *RUN[1:], cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    second = tune_curves(*RUN, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert "[digits](digits/report.md)" in (tmp_path / "runs" / "README.md").read_text()
