import gc
from collections.abc import Iterator

import pytest

from tuner.training.memory import uncollected


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("collects", [True, False])
def test_a_process_looks_for_garbage_afterwards_if_it_did_before(collects: bool) -> None:
    if not collects:
        gc.disable()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled() is collects
