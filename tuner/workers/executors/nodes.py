"""The nodes of a Ray cluster: joined, asked what they have, and refused where results would differ."""

import atexit
import os
import platform
import shutil
import signal
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuner.errors import UsageError
from tuner.versions import installed
from tuner.workers import devices as found_here
from tuner.workers.cores import cores
from tuner.workers.devices import Device, Slot

PROBE_SECONDS = 120.0
"""For a node to say what it has; a process has to start there."""

ANSWER_SECONDS = 10.0
"""For the head of a cluster to take a connection."""

DECISIVE = ("tune-images", "keras")
"""Packages that must be of the same version everywhere, beside Python and the backend."""


@dataclass(frozen=True)
class Offer:
    """What a node reports about itself.

    Attributes:
        versions: of Python and the packages that decide results.
        slots: on its devices.
        problem: why it has none, for the user.
    """

    versions: dict[str, str]
    slots: tuple[Slot, ...]
    problem: str = ""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        id: Ray's.
        name: for people; no two have the same.
        cpus, gpus: what Ray may give away there.
    """

    id: str
    name: str
    cpus: float
    gpus: float


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide results, as they are installed here."""
    names = (*DECISIVE, found_here.backend())
    return {"Python": platform.python_version(), **dict.fromkeys(names, "not installed"), **installed(names)}


def offer(devices: str, workers: str, backend: str) -> Offer:
    """Run on a node: what it has. `devices` is "cpu" or "gpu"."""
    before = os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # Ray hides GPUs from what has not asked for one
    os.environ["KERAS_BACKEND"] = backend
    try:
        return Offer(versions(), found_here.slots(devices, workers))
    except UsageError as error:
        return Offer(versions(), (), str(error))
    finally:
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def join(address: str) -> None:
    """Joins a cluster, if that has not been done yet; starts one here where there is none.

    Args:
        address: HOST:PORT; "auto" is `$RAY_ADDRESS`, else one that `running_here` finds, else a new one.

    Raises:
        UsageError: Ray is not installed, or no cluster answers there.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Or Ray, from version 2.56 on, leaves GPUs visible to what has asked for none.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    try:
        import ray
    except ImportError:
        raise UsageError(
            "--on ray needs Ray, which is not installed\n"
            "it comes with the extra: pip install 'tune-images[ray]'"
        ) from None
    if ray.is_initialized():
        return
    named = (os.environ.get("RAY_ADDRESS") or "auto") if address == "auto" else address
    ours = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        _connect(named)
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(f"--ray-address {named}: {error}") from None
    finally:  # Ray sets its own, which end the process
        for name, handler in ours.items():
            signal.signal(name, handler)


def _connect(address: str) -> None:
    import ray
    from ray._private import ray_constants

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address != "auto":
        _check_answers(address)
        _join_with_token(address, quiet)
        return
    if found := running_here():
        _join_with_token(found, quiet)
        return
    # Ray asks nobody who they are: what is started here listens to this machine alone. Without this, Ray
    # takes 127.0.0.1 to mean the machine's own address.
    ray_constants.ENABLE_RAY_CLUSTER = False
    os.environ.setdefault("RAY_worker_niceness", "0")  # as without Ray
    started = ray.init(
        address="local", num_cpus=cores(), include_dashboard=False, _node_ip_address="127.0.0.1", **quiet
    )
    atexit.register(_take_away, started.address_info["session_dir"])


def _take_away(session: str) -> None:
    """Ends a cluster that was started here; nobody else knows of it, nor needs its logs."""
    import ray

    ray.shutdown()
    shutil.rmtree(session, ignore_errors=True)


def running_here() -> str | None:
    """The address of a cluster that this user has started here by `ray start`; None where none answers.

    Ray's own `auto` takes whatever it finds among the processes, too: another user's cluster, or the one
    that another run has started for itself and takes away at its end.
    """
    from ray._private.utils import get_ray_address_file

    file = Path(get_ray_address_file(None))
    try:
        if hasattr(os, "getuid") and file.stat().st_uid != os.getuid():
            return None
        address = file.read_text().strip()
        _check_answers(address)
    except (OSError, UsageError):
        return None
    return address


def _join_with_token(address: str, how: dict[str, Any]) -> None:
    """Joins a cluster; one that refuses is shown the token of this user, which `ray start` may ask for."""
    import ray

    try:
        ray.init(address=address, **how)
    except (ConnectionError, RuntimeError):
        tokens = _tokens()
        if tokens is None or not tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False):
            raise
        ray.shutdown()
        ray.init(address=address, **how)


def _tokens() -> Any:
    """What Ray has for tokens; None in versions without them."""
    with suppress(ImportError):
        from ray._private.authentication import authentication_token_setup

        return authentication_token_setup
    return None


def _check_answers(address: str) -> None:
    """Fails at once if nobody listens, where Ray itself would try for minutes.

    Raises:
        UsageError: nobody listens there.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--ray-address {address}: expected auto or HOST:PORT")
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except OSError as error:
        raise UsageError(
            f"--ray-address {address}: no Ray cluster answers there: {error}\n"
            "expected HOST:PORT of its head, as `ray start --head` names it"
        ) from None


def alive() -> list[Node]:
    """The machines of the cluster now, by name."""
    import ray

    found = [node for node in ray.nodes() if node["Alive"]]
    nodes = [
        Node(node["NodeID"], name, node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0))
        for node, name in zip(found, _names(found), strict=True)
    ]
    return sorted(nodes, key=lambda node: node.name)


def _names(found: Sequence[dict[str, Any]]) -> list[str]:
    """Names of nodes for people: the one given, else the host's; of equal ones also their id."""
    given = [
        node["NodeName"] if node.get("NodeName") not in {None, "", node["NodeManagerAddress"]} else
        node["NodeManagerHostname"]
        for node in found
    ]  # fmt: skip
    return [
        name if given.count(name) == 1 else f"{name}-{node['NodeID'][:4]}"
        for name, node in zip(given, found, strict=True)
    ]


def ask(node: Node, devices: str, workers: str) -> Any:
    """Asks a node for its `Offer`; returns Ray's reference of it.

    Args:
        node: which.
        devices: auto, cpu or gpu.
        workers: trials at a time on each device, or auto.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node.id, soft=False)
    kind = ("gpu" if node.gpus >= 1 else "cpu") if devices == "auto" else devices
    asked = ray.remote(offer).options(num_cpus=0, scheduling_strategy=there, max_retries=0)
    return asked.remote(kind, workers, found_here.backend())


def slots_of(node: Node, offered: Offer) -> list[Slot]:
    """A node's slots, no more than Ray may give away there; they are numbered by who takes them."""
    gpus = dict.fromkeys(slot.device.id for slot in offered.slots if slot.device.kind == "gpu")
    allowed = list(gpus)[: int(node.gpus)]
    kept = [
        slot for slot in offered.slots
        if slot.device.id in allowed or (slot.device.kind == "cpu" and slot.index < int(node.cpus))
    ]  # fmt: skip
    return [replace(slot, device=_named(slot.device, node)) for slot in kept]


def _named(device: Device, node: Node) -> Device:
    return replace(device, node=node.name, place=node.id)


def disagreement(node: Node, offered: Offer) -> str:
    """In what a node's versions differ from those here; "" where they do not."""
    here = versions()
    other = [
        f"{name} {offered.versions.get(name, 'not installed')} there, {here[name]} here"
        for name in here
        if offered.versions.get(name) != here[name]
    ]
    return f"node {node.name}: {'; '.join(other)}" if other else ""


def gather(devices: str, workers: str) -> list[Slot]:
    """The slots of all nodes of the cluster.

    Raises:
        UsageError: nodes have other versions than this machine, or there is no slot.
    """
    import ray
    from ray.exceptions import RayError

    if devices not in {"auto", "cpu", "gpu"}:
        raise UsageError(f"--devices {devices} names GPUs of one machine; with --on ray: auto, cpu or gpu")
    asked = [(node, ask(node, devices, workers)) for node in alive()]
    found: list[Slot] = []
    problems: list[str] = []
    differ: list[str] = []
    for node, reference in asked:
        try:
            offered: Offer = ray.get(reference, timeout=PROBE_SECONDS)
        except RayError as error:
            cause = str(getattr(error, "cause", None) or error).strip().splitlines()
            problems.append(f"node {node.name} does not answer: {cause[-1] if cause else error}")
            continue
        if told := disagreement(node, offered):
            differ.append(told)
        mine = slots_of(node, offered)
        if not mine:
            problems.append(f"node {node.name}: {offered.problem or 'Ray has no devices to give away there'}")
        found += mine
    if differ:
        raise UsageError(f"nodes of the cluster have other versions than this machine\n{_listed(differ)}")
    if not found:
        raise UsageError(f"the cluster has no slots\n{_listed(problems)}")
    return [replace(slot, index=index) for index, slot in enumerate(found)]


def _listed(lines: Iterable[str]) -> str:
    some = list(lines)
    return "\n".join(some[:2]) if len(some) < 3 else f"{some[0]}\nand {len(some) - 1} nodes more"
