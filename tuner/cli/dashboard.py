"""`tune dashboard`: Optuna's dashboard on a copy of a run's study."""

import sys
from importlib.util import find_spec
from pathlib import Path

import typer

from tuner.cli import options as opt
from tuner.errors import UsageError
from tuner.values import whole

LAST_PORT = 65_535


def dashboard(
    run_name: opt.RunName,
    port: str = typer.Option("8080", "--port", metavar="N", help="The port; 0 takes a free one."),
    host: str = typer.Option(
        "127.0.0.1",
        "--host",
        metavar="ADDRESS",
        help="The address; with the default only this computer sees it.",
    ),
    out: opt.Out = Path("runs"),
) -> int:
    """Optuna's dashboard, on a copy of the run's study that follows the run; needs the extra dashboard."""
    from tuner.run_dir import find_run

    if find_spec("optuna_dashboard") is None:
        raise UsageError(
            "tune dashboard needs optuna-dashboard, which is not installed\n"
            "it comes with the extra: pip install 'tune-images[dashboard]'"
        )
    number = whole("--port", port)
    if not 0 <= number <= LAST_PORT:
        raise UsageError(f"--port {number}: expected a whole number from 0 to {LAST_PORT}")
    journal = find_run(run_name, out).journal
    if not journal.exists():
        raise UsageError(f"{journal} does not exist yet: the search of this run has not begun")
    from tuner.cli.dashboard_server import following, server

    serving = server(host, number, following(journal))
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"dashboard: http://{shown}:{serving.server_port}/ (Ctrl-C ends it)\n")
    sys.stdout.flush()
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        sys.stdout.write("\n" if sys.stdout.isatty() else "")
    finally:
        serving.server_close()
    return 0
