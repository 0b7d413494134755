"""`python -m tuner.cli`: the command `tune`."""

from tuner.cli.app import main

main()
