"""Finds what a name or a user's own file stands for."""

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tuner.errors import UsageError


def reference(kind: str, name: str, registry: Mapping[str, str]) -> str:
    """The reference, "module:ATTRIBUTE" or "/path/file.py:ATTRIBUTE", that a user's `name` stands for.

    Args:
        kind: what is looked up, for the message ("search space", "baseline").
        name: a registered name, or `FILE.py:ATTRIBUTE` for a user's own file.
        registry: the registered names and their references.

    Raises:
        UsageError: nothing has that name.
    """
    if name in registry:
        return registry[name]
    file, _, attribute = name.rpartition(":")
    if file.endswith(".py") and attribute:
        if not Path(file).is_file():
            raise UsageError(f"no file {file!r} for the {kind} {name!r}; expected FILE.py:NAME")
        return f"{Path(file).resolve()}:{attribute}"
    raise UsageError(unknown(kind, name, registry))


def unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    """The message for a name that is not among the choices, with the nearest one."""
    known = list(choices)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {kind} {name!r}{hint}\nknown: {', '.join(known)}"


def resolve(target: str) -> Any:
    """The object that a reference stands for.

    Raises:
        UsageError: the file cannot be imported, or has no such attribute.
    """
    module_name, _, attribute = target.rpartition(":")
    module = (
        _module_of_file(module_name) if module_name.endswith(".py") else importlib.import_module(module_name)
    )
    if not hasattr(module, attribute):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise UsageError(unknown(f"attribute in {module_name}", attribute, names))
    return getattr(module, attribute)


@lru_cache
def _module_of_file(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: not a Python file that can be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)  # dataclasses in the file look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module
