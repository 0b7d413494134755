"""Seeds of everything random in a run, from its one `--seed`."""

import hashlib


def derive(seed: int, *purpose: str | int) -> int:
    """A seed in 0 to 2³¹ - 1 that belongs to a purpose: equal for equal arguments, else unrelated."""
    text = ":".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
