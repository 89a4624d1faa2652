"""How a picture was learned: right or wrong after each epoch, and how often it was forgotten in between.

A forgetting event is an epoch at which a picture is right, followed by one at which it is wrong, of those at which it
was shown (Toneva et al., "An Empirical Study of Example Forgetting during Deep Neural Network Learning", 2019).
Reads and writes nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluate.predictions import Ints
from cifar_core.text import counted


def forgetting_events(right: NDArray[np.bool_], shown: NDArray[np.bool_] | None = None) -> Ints:
    """How often each of N pictures was right when it was shown and wrong when it was shown next: int64 [N].

    Args:
        right: whether it was predicted correctly, bool [E, N], epochs ascending.
        shown: whether it was shown at all at that epoch, bool [E, N]; None where each was at every epoch. An epoch
            without it is skipped, so a picture may be forgotten over it.
    """
    if shown is None:
        return (right[:-1] & ~right[1:]).sum(axis=0, dtype=np.int64)
    events, known = np.zeros(right.shape[1], np.int64), np.zeros(right.shape[1], bool)
    for now, asked in zip(right, shown, strict=True):
        events += known & asked & ~now
        known = np.where(asked, now, known)
    return events


def explain_forgetting(right: NDArray[np.bool_], epochs: Sequence[int]) -> str:
    """One sentence on how one picture was learned: "First right at epoch 4, forgotten twice, wrong at the last epoch."

    Args:
        right: whether it was predicted correctly, bool [E].
        epochs: their numbers [E], ascending; E is 1 or more.
    """
    if right.all():
        return "Right from the first epoch on." if epochs[0] == 1 else f"Right from epoch {epochs[0]} on."
    if not right.any():
        return f"Never right in {counted(len(epochs), 'epoch')}."
    first = int(np.argmax(right))
    start = f"First right at epoch {epochs[first]}"
    if right[first:].all():
        return f"{start}, the last." if first == len(epochs) - 1 else f"{start}, never forgotten."
    times = int(forgetting_events(right[:, None])[0])
    often = {1: "once", 2: "twice"}.get(times, f"{times} times")
    return f"{start}, forgotten {often}, {'right' if right[-1] else 'wrong'} at the last epoch."
