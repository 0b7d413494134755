import gc
import os
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

from tests.helpers.once import Session

# Two tests run at once on two cores: threads of a matrix product would only wait for each other. Read by the
# libraries when they are imported, which nothing has done yet.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# Where no compiled module may be kept, a process that imports a framework compiles it for fifteen seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A hundredth of the looking for garbage is enough here, and takes a twentieth less time in all.
gc.set_threshold(50_000, 20, 100)

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")  # other tests run at the same time

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Who needs the run that trains waits for it. Where processes share the tests, files with most slow tests
    come first: a long file that begins last has one process busy while the others have nothing left."""
    for item in items:
        if "small_run" in item.fixturenames:
            item.add_marker(pytest.mark.slow)
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: -slow[item.path])


FROZEN = pytest.StashKey[bool]()
"""Whether that has been done: the collector, asked, walks through all that it has frozen."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a framework brings is not looked through for garbage again, which takes a third of a second."""
    if "tensorflow" in sys.modules and FROZEN not in item.config.stash:
        gc.freeze()
        item.config.stash[FROZEN] = True


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The folder that the processes of this session of tests have in common."""
    own = tmp_path_factory.getbasetemp()
    return Session(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """The folder of real data sets, or a skip that says how to get one."""
    places = [os.environ.get("TUNE_DATA_DIR"), HERE.parents[1] / "shared" / "data"]
    for place in places:
        if place and (Path(place) / "asl").is_dir():
            return Path(place).resolve()
    pytest.skip("no real data: point TUNE_DATA_DIR at a folder with asl/, mnist/ and cats-dogs/")
