"""The tree of errors a user can meet.

- `TuneError`: anything this project says in one to three plain lines instead of a traceback
    - `UsageError`: a wrong name, option or combination of them (exit code 2)
    - `DataError`: a file, row or image that is not what it should be (exit code 2)
    - `RunError`: the run itself failed, e.g. no trial completed (exit code 1)
    - `StoppedError`: the user stopped it at once: by a second Ctrl-C, or before it trained (exit code 130)

`tuner.cli.console` is the one place that turns them into exit codes.
"""


class TuneError(Exception):
    """An error with a message for the user: what is wrong with what, and what was expected."""

    exit_code = 1


class UsageError(TuneError):
    """A wrong name, option or combination of options."""

    exit_code = 2


class DataError(TuneError):
    """A missing, unreadable or malformed data file."""

    exit_code = 2


class RunError(TuneError):
    """The run could not be done, though its input was right."""

    exit_code = 1


class StoppedError(TuneError):
    """The user stopped the run at once."""

    exit_code = 130
