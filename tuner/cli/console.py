"""The console script: runs the app, and turns every error into a line and an exit code."""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import typer

from tuner.cli import streams
from tuner.cli.app import app
from tuner.errors import StoppedError, TuneError

DEBUG = "--debug"
"""Taken from the command line before anything reads it, so that every command has it."""


def main() -> None:
    """The command `tune`: an error becomes a line on standard error and an exit code."""
    streams.prepare()
    os.environ["MPLBACKEND"] = "agg"  # a notebook's own need not be installed here
    hangup = getattr(signal, "SIGHUP", None)  # of a terminal that goes away; `nohup` has it ignored
    heard = [] if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN else [hangup]
    for name in (signal.SIGINT, signal.SIGTERM, *heard):  # alike, also where a shell has the first ignored
        signal.signal(name, signal.default_int_handler)
    try:
        words = [word for word in sys.argv[1:] if word != DEBUG]
        code = typer.main.get_command(app).main(words, prog_name=_name(), standalone_mode=False)
    except typer.TyperException as error:
        fail(_plainly(error), 2)
    except TuneError as error:
        if DEBUG in sys.argv:
            raise
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        fail("stopped at once; the same command resumes", StoppedError.exit_code)
    except Exception as error:
        if DEBUG in sys.argv:
            raise
        fail(_unforeseen(error), 1)
    if lost := streams.lost():
        if lost.errno == errno.EPIPE:  # the reader has closed the pipe, as `head` does
            sys.exit(1)
        fail(f"standard output cannot be written: {lost.strerror}", 1)
    sys.exit(code or 0)


def _name() -> str:
    """As the user has typed it: the scripts of the package, else `tune`."""
    typed = Path(sys.argv[0]).stem
    return typed if typed == "tune-images" else "tune"


def _unforeseen(error: Exception) -> str:
    """The message for an error of the operating system; any other exception is called a defect of ours."""
    if isinstance(error, FileNotFoundError) and not _has_current_directory():
        return "the current directory has been removed\nchange to one that exists"
    if isinstance(error, OSError) and error.filename and not isinstance(error, FileNotFoundError):
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return f"{type(error).__name__}: {error}\nthis is a defect of tune; {DEBUG} shows where"


def _has_current_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _plainly(error: Any) -> str:
    """Typer's message as the other errors are: lower case at the start, no full stop."""
    message = str(error.format_message()).strip().rstrip(".")
    return message[:1].lower() + message[1:]


def fail(message: str, code: int) -> None:
    """Ends the program with an error of three lines at most."""
    lines = [line for line in message.splitlines() if line.strip()] or ["failed"]
    sys.stderr.write("error: " + "\n".join(lines[:3]) + "\n")
    sys.exit(code)
