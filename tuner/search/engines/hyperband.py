"""Keras Tuner's Hyperband oracle (arXiv 1603.06560), sweep after sweep, rebuilt from the study."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tuner.search.engines.oracles import Oracle, Run, Values, _name, _values

NOBODY = -1.0
"""The score of a place in a bracket that no trial took: below every trial's."""


class Hyperband(Oracle):
    """Brackets of trials that start with few epochs; the best of each round go on."""

    def _make(self, algorithm: str) -> Any:
        return self.module.oracles.HyperbandOracle(
            **self._common(),
            max_epochs=self.epochs,
            hyperband_iterations=0,  # no end
        )

    def tell_past(self, past: list[tuple[Run, Values, float | None]]) -> None:
        """Also brings the runs back into their brackets."""
        super().tell_past(past)
        brackets: dict[int, Any] = {}
        for run, _, _ in past:
            if run.bracket >= 0:
                bracket = brackets.setdefault(run.bracket, self._empty(run.bracket))
                continued = _name(run.past) if run.past >= 0 else None
                bracket["rounds"][run.round].append({"past_id": continued, "id": _name(run.id)})
        if brackets:
            count = self._brackets()
            self.kt._brackets = [brackets[ordinal] for ordinal in sorted(brackets)]  # noqa: SLF001
            self.kt._current_iteration = max(brackets) // count  # noqa: SLF001
            self.kt._current_bracket = count - 1 - max(brackets) % count  # noqa: SLF001

    def _brackets(self) -> int:
        return int(self.kt._get_num_brackets())  # noqa: SLF001

    def _empty(self, ordinal: int) -> dict[str, Any]:
        count = self._brackets()
        number = count - 1 - ordinal % count
        return {"bracket_num": number, "rounds": [[] for _ in range(number + 1)], "ordinal": ordinal}

    def draw(self, *, new: bool) -> tuple[Run, Values] | None:
        """The next run: a new configuration, or more epochs for one of the best of a round.

        When there may be no new ones, the places that are left in open brackets count as taken by
        the worst, so that the best of the others go on.
        """
        if new:
            self.kt._brackets = [b for b in self._open() if not self._was_closed(b)]  # noqa: SLF001
            drawn = self._create()
        else:
            for bracket in self._open():
                self._close(bracket)
            with self._no_new_bracket():
                drawn = self._create()
        if drawn is None:
            return None
        return self._run(drawn), _values(drawn)

    def _open(self) -> list[Any]:
        brackets: list[Any] = self.kt._brackets  # noqa: SLF001
        for bracket in brackets:
            if "ordinal" not in bracket:  # only the newest, which the oracle has just begun
                sweep = self.kt._current_iteration  # noqa: SLF001
                bracket["ordinal"] = (sweep + 1) * self._brackets() - 1 - bracket["bracket_num"]
        return brackets

    def _size(self, bracket: Any, number: int) -> int:
        return int(self.kt._get_size(bracket["bracket_num"], number))  # noqa: SLF001

    def _was_closed(self, bracket: Any) -> bool:
        """Whether rounds went on without all its places taken: what begins there now would be late."""
        rounds = bracket["rounds"]
        taken = len(rounds[0])
        vacant = any(entry["id"].startswith("nobody") for entry in rounds[0])
        return vacant or (taken < self._size(bracket, 0) and any(rounds[1:]))

    def _close(self, bracket: Any) -> None:
        first = bracket["rounds"][0]
        while first and len(bracket["rounds"]) > 1 and len(first) < self._size(bracket, 0):
            name = f"nobody-{len(self.kt.trials)}"
            trial = self.kt.trials[name] = self._trial(name, self.default(), "COMPLETED")
            trial.score = NOBODY
            first.append({"past_id": None, "id": name})

    @contextmanager
    def _no_new_bracket(self) -> Iterator[None]:
        """The oracle then has nothing (yet) where it would begin a bracket, or add to one."""
        oracle = self.kt
        current, most = oracle._current_bracket, oracle.hyperband_iterations  # noqa: SLF001
        hidden = [b for b in self._open() if len(b["rounds"][0]) < self._size(b, 0)]
        shown = [b for b in self._open() if b not in hidden]
        oracle._brackets, oracle._current_bracket = shown, 0  # noqa: SLF001
        oracle.hyperband_iterations = oracle._current_iteration + 1  # noqa: SLF001
        try:
            yield
        finally:
            oracle._brackets = oracle._brackets + hidden  # noqa: SLF001
            oracle._current_bracket, oracle.hyperband_iterations = current, most  # noqa: SLF001

    def _run(self, drawn: Any) -> Run:
        for bracket in self._open():
            for number, entries in enumerate(bracket["rounds"]):
                for entry in entries:
                    if entry["id"] == drawn.trial_id:
                        return Run(
                            id=int(drawn.trial_id),
                            epochs=int(drawn.hyperparameters.values["tuner/epochs"]),
                            bracket=bracket["ordinal"],
                            round=number,
                            past=_number(entry["past_id"]),
                        )
        raise AssertionError(drawn.trial_id)

    def may_continue(self, run: Run) -> bool:
        """Whether a place is left in the next round of its bracket."""
        for bracket in self._open():
            following = run.round + 1
            if bracket["ordinal"] == run.bracket and following < len(bracket["rounds"]):
                return len(bracket["rounds"][following]) < self._size(bracket, following)
        return False


def _number(name: str | None) -> int:
    return -1 if name is None else int(name) if name.isdecimal() else -2
