"""Fair share: nobody's second run before everybody's first, first come, first served within a round."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from cifar_core.lifecycle.fair_share.order import Waiting, fair_order, rounds_of

PEOPLE = ("ada", "ben", "cleo", "")
queues = st.lists(st.sampled_from(PEOPLE), max_size=24).map(
    lambda people: [Waiting(number + 1, f"run-{number}", person) for number, person in enumerate(people)]
)
histories = st.dictionaries(st.sampled_from(PEOPLE), st.sets(st.sampled_from([f"old-{n}" for n in range(5)])))


@given(queues, histories)
def test_whoever_has_had_fewer_turns_is_always_next(waiting: list[Waiting], begun: dict[str, set[str]]) -> None:
    """An oracle plays the queue to its end: the person with the fewest turns, the lowest ticket among equals."""
    turns = defaultdict(int, {person: len(runs) for person, runs in begun.items()})
    left, expected = list(waiting), []
    while left:
        run = min(left, key=lambda run: (turns[run.person], run.ticket))
        turns[run.person] += 1
        expected.append(run.run_id)
        left.remove(run)
    assert fair_order(waiting, begun) == expected


@given(queues, histories)
def test_the_order_stays_while_runs_begin(waiting: list[Waiting], begun: dict[str, set[str]]) -> None:
    """Each worker sees the queue at another moment; all of them must agree who is next."""
    left, turns = list(waiting), {person: set(runs) for person, runs in begun.items()}
    order = fair_order(left, turns)
    for place, run_id in enumerate(order):
        run = next(run for run in left if run.run_id == run_id)
        turns.setdefault(run.person, set()).add(run_id)
        assert fair_order(left, turns)[0] == run_id, "its turn is noted before its ticket goes"
        left.remove(run)
        assert fair_order(left, turns) == order[place + 1 :]


@given(queues)
def test_one_person_alone_is_served_as_they_came(waiting: list[Waiting]) -> None:
    alone = [Waiting(run.ticket, run.run_id, "") for run in waiting]
    assert fair_order(alone, {"": {"old"}}) == [run.run_id for run in waiting]


def test_a_late_first_run_goes_before_second_runs_and_a_resumed_run_keeps_its_round() -> None:
    """Ada has begun one run, paused it, and queued it again behind her next; Ben comes last."""
    waiting = [Waiting(1, "ada-2", "ada"), Waiting(2, "ada-1", "ada"), Waiting(3, "ben-1", "ben")]
    begun = {"ada": {"ada-1"}}
    assert rounds_of(waiting, begun) == {"ada-2": 1, "ada-1": 1, "ben-1": 0}
    assert fair_order(waiting, begun) == ["ben-1", "ada-2", "ada-1"]
