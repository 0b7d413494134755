"""The live table, which Rich draws from a thread of its own."""

import io
import threading
import time

from rich.console import Console

from tuner.display import Display
from tuner.records import TrialResult, TrialSpec


def test_the_table_is_drawn_while_trials_come_and_go() -> None:
    asked_by = set()

    def left() -> float:
        asked_by.add(threading.current_thread())
        return 60.0

    display = Display(Console(file=io.StringIO(), force_terminal=True, width=100), live=True)
    began, number = time.monotonic(), 0
    with display.showing():
        display.search_started(100, [], [], left)
        while time.monotonic() - began < 1.5:
            specs = [TrialSpec(number + i, "trial", "a:B", {}, 0, "search", 0, 2) for i in range(40)]
            for spec in specs:
                display.trial_started(spec)
            for spec in specs:
                display.trial_ended(spec, TrialResult("complete", 1.0), "complete")
            number += len(specs)
    assert asked_by == {threading.main_thread()}
