"""On what it ran, and how to run it again."""

from reports.facts.summary import RunSummary
from reports.markdown import block, code, escape, join, listed, plural


def render(summary: RunSummary) -> str:
    """Devices, versions, the command."""
    facts = summary.environment
    lines = [_devices(summary)]
    if facts.get("python"):
        lines.append(f"Python {escape(facts['python'])} on {escape(facts.get('platform', ''))}")
    if facts.get("backend"):
        lines.append(f"Keras on {escape(facts['backend'])}, precision {code(facts.get('precision', ''))}")
    versions = facts.get("versions") or {}
    if versions:
        lines.append(", ".join(f"{escape(name)} {escape(version)}" for name, version in versions.items()))
    lines.append(
        f"data fingerprint {code(summary.dataset.fingerprint)}, seed {escape(summary.config.get('seed', ''))}"
    )
    again = (
        "The same command in a new place makes this run again; in the same place it resumes it, or extends "
        "it to more trials. On one worker of a CPU, without `--budget`, the same seed gives the same "
        "numbers; on several, the order in which trials end, and so what the search tries next, may differ "
        "(`--deterministic` rules that out)."
    )
    return join(
        [
            "## Environment and how to repeat it",
            "\n".join(f"- {line}" for line in lines if line),
            block(summary.command, "sh") if summary.command else "",
            again,
        ]
    )


def _devices(summary: RunSummary) -> str:
    facts = summary.environment
    names: dict[str, int] = {}
    for device in facts.get("devices") or ():
        name = str(device.get("description") or device.get("name") or "")
        names[name] = names.get(name, 0) + 1
    if not names:
        return ""
    shown = listed([f"{count} × {escape(name)}".removeprefix("1 × ") for name, count in names.items()])
    workers = int(facts.get("workers") or 0)
    return f"{shown}, {plural(workers, 'worker')}" if workers else shown
