"""The order of a queue under fair share: rounds of people, and within a round first come, first served. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A run that waits for its turn."""

    ticket: int
    run_id: str
    person: str  # whose run it is; any text that differs from person to person


def rounds_of(waiting: Iterable[Waiting], begun: Mapping[str, Collection[str]]) -> dict[str, int]:
    """The round of each waiting run, by its id: how many other runs of its person are ahead of it.

    Args:
        waiting: the runs that wait.
        begun: ids of the runs of each person that have begun lately. A run that begins again, as after a pause, keeps
            its round.
    """
    own: dict[str, list[Waiting]] = defaultdict(list)
    for run in waiting:
        own[run.person].append(run)
    rounds = {}
    for person, runs in own.items():
        before = set(begun.get(person, ()))
        for run in sorted(runs, key=lambda run: (run.ticket, run.run_id)):
            rounds[run.run_id] = len(before) - (run.run_id in before)
            before.add(run.run_id)
    return rounds


def fair_order(waiting: Collection[Waiting], begun: Mapping[str, Collection[str]]) -> list[str]:
    """The ids of the waiting runs, the next one first; arguments as for `rounds_of`."""
    rounds = rounds_of(waiting, begun)
    return [run.run_id for run in sorted(waiting, key=lambda run: (rounds[run.run_id], run.ticket, run.run_id))]
