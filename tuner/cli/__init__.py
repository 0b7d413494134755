"""The command line: the app with its options, what each command does, and the display."""

from tuner.cli.console import main

__all__ = ["main"]
