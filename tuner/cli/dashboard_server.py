"""Optuna's dashboard as a server that only reads; imported late, since its own imports take time."""

import socket
import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
from optuna.storages import JournalStorage

from tuner.errors import UsageError
from tuner.search.engines.journal_copy import JournalCopy

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""As WSGI has it."""


def following(journal: Path) -> Application:
    """The dashboard as a WSGI application that only reads, and starts anew where the run has."""
    lock = threading.Lock()
    copy = JournalCopy(journal)
    page = _dashboard(copy)

    def answer(environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        nonlocal copy, page
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            respond("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Type", "application/json")])
            return [b'{"reason": "This is a copy that is only read."}']
        with lock:
            if copy.is_other():
                copy = JournalCopy(journal)
                page = _dashboard(copy)
        return page(environ, respond)

    return answer


def _dashboard(copy: JournalCopy) -> Application:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        from optuna_dashboard import wsgi

        page: Application = wsgi(JournalStorage(copy))
    return page


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, as browsers open connections ahead of need; they end with the program."""

    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Nothing."""


def server(host: str, port: int, application: Application) -> WSGIServer:
    """A server that listens already.

    Raises:
        UsageError: the address cannot be had.
    """
    kind = _Server6 if ":" in host else _Server
    try:
        return make_server(host, port, application, server_class=kind, handler_class=_Quiet)
    except OSError as error:
        raise UsageError(
            f"{host} port {port} cannot be listened on: {error.strerror}\n"
            "another: --port N, or --port 0 for a free one; --host ADDRESS"
        ) from error
