"""On the path of a node's processes: to them, as on another machine, the folder `$WALLED_OFF` is not there.

Python imports it by itself when it starts.
"""

import os
import sys
from pathlib import Path

WALLED_OFF = os.environ.get("WALLED_OFF", "")


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Called by Python before whatever it does with a file."""
    if event in {"open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir"}:
        path = arguments[0]
        name = os.fsdecode(path) if isinstance(path, str | bytes) else ""
        if str(Path(name).absolute()).startswith(WALLED_OFF):
            raise FileNotFoundError(2, "not on this machine", name)


if WALLED_OFF:
    sys.addaudithook(refuse)
