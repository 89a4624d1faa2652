"""Starts the two processes that time training steps together (`measure_ranks.py`), and reads what they found."""

import contextlib
import json
import math
import os
import subprocess
from collections.abc import Callable, Sequence

from cifar_core.config import RunConfig
from cifar_core.lifecycle.ranks.environment import Rendezvous, new_rendezvous, rank_environment, threads_of_rank
from cifar_core.processes import Program, command_of
from cifar_core.runs.estimate.timed_cases import as_timed

_SECONDS = 0.15  # of a round of a case, at least
_FEWEST = 4  # steps in a round
_LOOK_SECONDS = 0.2
_LONGEST = 45.0  # seconds for all; without a result by then, nothing is known


def time_in_ranks(cases: Sequence[tuple[RunConfig, float]], threads: int, check: Callable[[], None]) -> list[float]:
    """Seconds of a training step of two processes; empty where they fail or take too long.

    Args:
        cases: settings, each with the seconds of a step of one process.
        threads: of one process; each of the two has at most its share of the cores.
        check: called now and then; may raise.
    """
    steps = [(as_timed(config).flat(), max(_FEWEST, math.ceil(_SECONDS / each))) for config, each in cases]
    plan = json.dumps({"threads": threads_of_rank(threads, 2), "steps": steps})
    with new_rendezvous() as rendezvous, contextlib.ExitStack() as ended:
        started = []
        for rank in range(2):
            with contextlib.suppress(OSError, ValueError):  # the system has no room, or is Windows
                started.append(_start(rank, rendezvous, plan))
                ended.callback(_end, started[-1])
        return _answer(started, check) if len(started) == 2 else []


def _start(rank: int, rendezvous: Rendezvous, plan: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command_of(Program.MEASURE_RANKS, plan),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=rank_environment(rank, 2, rendezvous.url),
        pass_fds=rendezvous.handles,
        process_group=0 if os.name == "posix" else None,
    )


def _answer(started: "list[subprocess.Popen[bytes]]", check: Callable[[], None]) -> list[float]:
    for _ in range(math.ceil(_LONGEST / _LOOK_SECONDS)):
        check()
        with contextlib.suppress(subprocess.TimeoutExpired):
            answer, _ = started[0].communicate(timeout=_LOOK_SECONDS)
            break
    else:
        return []
    with contextlib.suppress(ValueError, TypeError):
        return [float(seconds) for seconds in json.loads(answer)]
    return []


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()
