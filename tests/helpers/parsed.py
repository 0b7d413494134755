"""Has Typer import what it imports only when it first reads options, so that its forks need not."""

import typer

app = typer.Typer(add_completion=False)


@app.command()
def command(number: int = 0) -> int:
    """Does nothing."""
    return number


app(["--number", "1"], standalone_mode=False)
