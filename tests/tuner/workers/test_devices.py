"""Devices and slots, and runs on GPUs that a stand-in for NVML tells of; the workers use the processor."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.helpers.runs import Tune, trials
from tuner.errors import UsageError
from tuner.workers import cores
from tuner.workers.devices import Device, Slot
from tuner.workers.gpus import Gpu, visible

STAND_INS = ROOT / "tests" / "helpers" / "stand_ins"
GIB = 1 << 30

TWO = [
    {"name": "Stand-in A", "uuid": "GPU-8932f937-d72c", "total": 24 * GIB, "used": GIB},
    {"name": "Stand-in B", "uuid": "GPU-89aa0000-1111", "total": 8 * GIB, "used": 0},
]
FULL = {"name": "Stand-in C", "uuid": "GPU-cc", "total": 8 * GIB, "used": int(7.5 * GIB)}


def gpu_environment(gpus: Any, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(STAND_INS), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, "STAND_IN_GPUS": json.dumps(gpus), **more}


SLOTS = """
import json, sys
from tuner.workers.devices import slots
from tuner.errors import TuneError
try:
    found = slots(*sys.argv[1:])
except TuneError as error:
    sys.exit(f"error: {error}")
rows = [(s.device.name, s.device.description, s.share, s.most, s.memory, s.environment()) for s in found]
print(json.dumps(rows))
"""


def slots_of(
    devices: str, workers: str, gpus: Any, **more: str
) -> tuple[list[Any], "subprocess.CompletedProcess[str]"]:
    usual = {key: value for key, value in os.environ.items() if not key.startswith("CUDA_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SLOTS, devices, workers],
        env={**usual, **gpu_environment(gpus, **more)},
        capture_output=True,
        text=True,
        check=False,
    )
    return (json.loads(done.stdout) if done.returncode == 0 else []), done


def names(devices: str, gpus: Any, **more: str) -> list[str]:
    found, done = slots_of(devices, "1", gpus, **more)
    assert done.returncode == 0, done.stderr
    return [row[0] for row in found]


def test_gpus_are_found_with_name_and_memory() -> None:
    found, _ = slots_of("auto", "1", TWO)
    assert [row[:2] for row in found] == [["gpu:0", "Stand-in A, 24 GiB"], ["gpu:1", "Stand-in B, 8 GiB"]]
    assert names("0,1", TWO) == ["gpu:0", "gpu:1"]
    assert names("1, 0", TWO) == ["gpu:1", "gpu:0"]
    assert names("gpu", ["lost", TWO[1]]) == ["gpu:1"]


@pytest.mark.parametrize("gpus", [[], "driver not loaded", [FULL]])
def test_without_a_usable_gpu_auto_means_the_processor(gpus: Any) -> None:
    assert names("auto", gpus) == ["cpu"]


@pytest.mark.parametrize(
    ("devices", "workers", "gpus", "hidden", "expected"),
    [
        ("gpu", "1", [], None, "--devices gpu: no GPU found: the NVIDIA driver lists none"),
        ("gpu", "1", "driver not loaded", None, "no GPU found: NVML says 'Driver Not Loaded'"),
        ("gpu", "1", TWO, "-1", "no GPU found: CUDA_VISIBLE_DEVICES='-1' hides all 2"),
        ("gpu", "1", TWO, "", "CUDA_VISIBLE_DEVICES='' hides all 2"),
        (
            "0,7",
            "1",
            TWO,
            None,
            "no GPU '7'; expected auto, cpu, gpu or ids among: 0 (Stand-in A, 24 GiB), 1",
        ),
        ("1", "1", TWO, "0", "no GPU '1'; expected auto, cpu, gpu or ids among: 0 (Stand-in A, 24 GiB)"),
        ("0", "1", "driver not loaded", None, "ids among: none: NVML says"),
        ("auto", "1", TWO, "MIG-GPU-8932f937/1/0", "parts of a GPU (MIG) are not supported"),
        (
            "gpu",
            "9",
            TWO[1:],
            None,
            "--workers 9: gpu:0 (Stand-in B, 8 GiB, 0.0 GiB in use) has memory for 7",
        ),
        ("gpu", "auto", [FULL], None, "7.5 GiB in use) has memory for no workers"),
        ("gpu", "many", TWO, None, "--workers many: expected auto or a whole number from 1"),
    ],
)
def test_what_cannot_be_had_is_an_error_that_says_why(
    devices: str, workers: str, gpus: Any, hidden: str | None, expected: str
) -> None:
    more = {} if hidden is None else {"CUDA_VISIBLE_DEVICES": hidden}
    _, done = slots_of(devices, workers, gpus, **more)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("0", [0]),
        ("2,1", [2, 1]),
        (" 1 , 0 ", [1, 0]),
        ("0,2,-1,1", [0, 2]),
        ("0,9,1", [0]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0,0", []),
        ("GPU-8932f937-d72c", [0]),
        ("GPU-c,GPU-8932", [2, 0]),
        ("GPU-89", []),  # fits two
        ("GPU-", []),
        ("1,GPU-nothing,0", [1]),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(listed: str, expected: list[int]) -> None:
    uuids = ["GPU-8932f937-d72c", "GPU-89aa0000-1111", "GPU-cc"]
    gpus = [Gpu(index, uuid, "one", GIB, 0) for index, uuid in enumerate(uuids)]
    assert [gpu.index for gpu in visible(gpus, listed)] == expected


def test_parts_of_a_gpu_are_refused() -> None:
    with pytest.raises(UsageError, match="MIG"):
        visible([], "MIG-8932f937")


def test_the_order_of_cuda_visible_devices_is_that_of_the_slots() -> None:
    assert names("gpu", TWO, CUDA_VISIBLE_DEVICES="1,GPU-8932") == ["gpu:1", "gpu:0"]


def test_memory_is_divided_among_the_workers_of_a_gpu() -> None:
    found, _ = slots_of("gpu", "4", TWO)
    assert [row[0] for row in found] == ["gpu:0"] * 4 + ["gpu:1"] * 4
    for device, total, used in (("gpu:0", 24 * GIB, GIB), ("gpu:1", 8 * GIB, 0)):
        limits = [row[4] for row in found if row[0] == device]
        assert sum(limits) + 4 * GIB / 2 <= total * 0.95 - used < sum(limits) + 4 * GIB / 2 + 8
    environment = found[4][5]
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert environment["TUNE_GPU_MEMORY"] == str(found[4][4])
    assert float(environment["XLA_PYTHON_CLIENT_MEM_FRACTION"]) == pytest.approx(
        found[4][4] / (8 * GIB), abs=1e-4
    )


def test_auto_begins_with_one_worker_a_gpu_and_leaves_room_for_more() -> None:
    found, _ = slots_of("gpu", "auto", TWO[:1])
    ((_, _, share, most, memory, _),) = found
    assert (share, most) == (1, min(cores.cores(), 7))
    assert memory * most < 22 * GIB


def test_on_the_processor_each_worker_has_one_thread_and_no_gpu() -> None:
    found, _ = slots_of("cpu", "auto", TWO)
    assert len(found) == cores.cores()
    for name, _, _, _, memory, environment in found:
        assert (name, memory) == ("cpu", 0)
        assert environment["CUDA_VISIBLE_DEVICES"] == "-1"
        assert environment["TF_NUM_INTRAOP_THREADS"] == "1"
        assert environment["OMP_NUM_THREADS"] == "1"


def groups(folder: Path, own: str, files: dict[str, str]) -> int:
    """The quota where `own` is /proc/self/cgroup and the control groups have these files."""
    for name, text in files.items():
        path = folder / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "self").write_text(own)
    return cores.quota(folder / "cgroup", folder / "self")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/", {"cpu.max": "350000 100000\n"}, 3),
        ("0::/", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/", {"cpu.max": "max 100000\n"}, cores.UNLIMITED),
        ("0::/", {}, cores.UNLIMITED),
        ("0::/", {"cpu.max": "nonsense"}, cores.UNLIMITED),
        ("0::/a/b", {"a/b/cpu.max": "800000 100000", "a/cpu.max": "300000 100000"}, 3),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "max 100000"}, cores.UNLIMITED),
        ("0::/of/the/host", {"cpu.max": "400000 100000"}, 4),
        (
            "5:cpu,cpuacct:/job\n0::/\n",
            {"cpu,cpuacct/job/cpu.cfs_quota_us": "200000", "cpu,cpuacct/job/cpu.cfs_period_us": "100000"},
            2,
        ),
        (
            "1:cpu:/docker/1\n",
            {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"},
            3,
        ),
        (
            "1:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            cores.UNLIMITED,
        ),
        ("3:cpuset:/x\n", {"cpuset/x/cpu.cfs_quota_us": "100000"}, cores.UNLIMITED),
    ],
)
def test_a_containers_limit_of_processors_is_kept(
    tmp_path: Path, own: str, files: dict[str, str], expected: int
) -> None:
    assert groups(tmp_path, own, files) == expected


def test_limits_are_found_without_a_list_of_own_groups(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("300000 100000")
    assert cores.quota(tmp_path, tmp_path / "nothing") == 3


def test_a_slot_of_the_processor_has_no_limit_of_memory() -> None:
    assert Slot(0, Device("cpu", "", "a processor"), 2, 2).memory == 0


SMALL = ["digits", "--devices", "gpu", "--set", "filters=4", "--set", "dense_units=16"]
END = ["--seeds", "1", "--finalists", "1", "--baselines", "none"]


@pytest.mark.slow
def test_plan_counts_a_worker_on_each_gpu(tune_forked: Tune, tmp_path: Path) -> None:
    done = tune_forked("plan", *SMALL, cwd=tmp_path, **gpu_environment(TWO))
    assert done.returncode == 0, done.stderr
    assert "on each of 2 workers" in done.stdout


def test_plan_says_that_there_is_no_such_gpu(tune: Tune, tmp_path: Path) -> None:
    done = tune("plan", "digits", "--devices", "0,3", cwd=tmp_path, **gpu_environment(TWO))
    assert done.returncode == 2
    assert done.stderr.startswith("error: --devices 0,3: no GPU '3'")
    assert len(done.stderr.strip().splitlines()) <= 3


@pytest.mark.slow
def test_a_run_uses_every_gpu_and_says_so(tune_trials: Tune, tmp_path: Path) -> None:
    done = tune_trials(*SMALL, *END, "--trials", "2", "--epochs", "1", cwd=tmp_path, **gpu_environment(TWO))
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "digits"
    facts = json.loads((run / "run.json").read_text())["environment"]
    assert [device["name"] for device in facts["devices"]] == ["gpu:0", "gpu:1"]
    assert {trial.user_attrs["device"] for trial in trials(run)} == {"gpu:0", "gpu:1"}
    report = json.loads((run / "report.json").read_text())
    assert "gpu:1" in json.dumps(report["environment"])
    assert "Stand-in A, 24 GiB" in (run / "report.md").read_text()
    for number in (0, 1):
        assert "no GPU is visible to tensorflow" in (run / "logs" / f"worker-{number}.log").read_text()
