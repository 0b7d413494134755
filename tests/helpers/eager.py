"""The command line that reports early however short the search was: stands for `tuner.cli`."""

from tests.helpers import undrawn
from tuner.run import interim


def main() -> None:
    """Runs the command line."""
    interim.WORTH_SECONDS = 0.0
    undrawn.main()


if __name__ == "__main__":
    main()
