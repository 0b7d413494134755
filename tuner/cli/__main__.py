"""`python -m tuner.cli`: the command `tune`."""

from tuner.cli.console import main

main()
