import os
from pathlib import Path

import pytest

from tests.helpers.once import Session

# Two tests run at once on two cores: threads of a matrix product would only wait for each other. Read by the
# libraries when they are imported, which nothing has done yet.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Who needs the run that trains waits for it."""
    for item in items:
        if "small_run" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


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
