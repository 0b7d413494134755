import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """The folder of real data sets, or a skip that says how to get one."""
    places = [os.environ.get("TUNE_DATA_DIR"), HERE.parents[1] / "shared" / "data"]
    for place in places:
        if place and (Path(place) / "asl").is_dir():
            return Path(place).resolve()
    pytest.skip("no real data: point TUNE_DATA_DIR at a folder with asl/, mnist/ and cats-dogs/")
