"""Random requests, ends and kills in any order, legal or not, with real worker processes.

After every step each run has a status that legal moves lead to, and no more runs train than there are slots. At the end
nothing else in the workspace has changed and no process is left.
"""

import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cifar_core.config import make_config
from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.states import MOVES, Status
from cifar_core.lifecycle.status import move, read_state
from cifar_core.runs import create_run, list_runs, pause_run, resume_run, start_run, stop_all, stop_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage import faults
from cifar_core.storage.faults import EXIT_CODE
from cifar_core.storage.locks import is_locked
from cifar_core.workspace import open_workspace
from tests.fault_injection import forked
from tests.lifecycle.conftest import FakeRuns, fakes, kill_fakes, until
from tests.lifecycle.fake import spawn_fake
from tests.lifecycle.test_status import LEGAL

RUNS = 3
POINTS = ("", "write:1", "fsync:1", "replace:1", "fsync:2")  # no fault, and each call of a move
MADE, REFUSED, NOT_WRITTEN = 0, 3, 4  # exit codes of a process that makes a move
which = st.integers(0, RUNS - 1)
REQUESTS = {"start": start_run, "stop": stop_run, "pause": pause_run, "resume": resume_run}
ALLOWED = {  # request -> the statuses in which it is allowed
    "start": {"queued", "running"},  # a start of a running run changes nothing
    "stop": {"queued", "running"},
    "pause": {"queued", "running"},
    "resume": {"paused", "stopped", "failed", "interrupted"},
}


def reachable(status: str) -> set[str]:
    """The statuses to which any number of legal moves leads from a status."""
    found, new = {status}, {status}
    while new := set().union(*(LEGAL[one] for one in new)) - found:
        found |= new
    return found


class RandomRuns(RuleBasedStateMachine):
    """Three runs, one slot."""

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="runs-"))
        self.patches = ExitStack()
        self.patches.enter_context(patch("cifar_core.lifecycle.runner.spawn", spawn_fake))
        self.patches.enter_context(patch("cifar_core.runs.control.actions.start_get"))  # they need no pictures
        self.fake_runs = FakeRuns(open_workspace(self.place / "workspace"))
        self.ids = [self.fake_runs.make() for _ in range(RUNS)]
        (self.fake_runs.workspace.exports / "kept").write_text("as it was")
        bystander = self.fake_runs.workspace.runs / self.fake_runs.make()
        (bystander / "status.json").write_text('{"status": "finished", "error": "", "progress": null}')
        self.untouched = self.everything_else()
        self.seen = dict.fromkeys(self.ids, "queued")
        for run_id in self.ids[:2]:
            start_run(self.fake_runs.workspace, run_id)

    def everything_else(self) -> dict[str, bytes]:
        root = self.fake_runs.workspace.root
        files = (path for path in root.rglob("*") if path.is_file() and ".queue" not in path.parts)
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in files
            if not set(self.ids) & set(path.parts) and not path.name.endswith(".lock")
        }

    @rule(number=which, request=st.sampled_from(sorted(REQUESTS)))
    def request(self, number: int, request: str) -> None:
        run_id = self.ids[number]
        before = self.fake_runs.status(run_id)
        try:
            REQUESTS[request](self.fake_runs.workspace, run_id)
        except RunError:
            after = self.fake_runs.status(run_id)
            allowed = before in ALLOWED[request] and after in ALLOWED[request]
            assert not allowed or request == "resume", f"{request} of a run that is {before} was refused"

    @rule(number=which, what=st.sampled_from(["finish", "fail", "segfault", "exit 3", "hang", "work", "work", "work"]))
    def instruct(self, number: int, what: str) -> None:
        self.fake_runs.instruct(self.ids[number], what)

    @rule(number=which, kind=st.sampled_from(["worker", "compute"]))
    def kill(self, number: int, kind: str) -> None:
        self.fake_runs.kill(self.ids[number], kind)

    @rule()
    def let_time_pass(self) -> None:
        """Wait until the next run trains, if there is one."""
        waiting = [
            run_id for run_id in self.ids if self.has_worker(run_id) and self.fake_runs.status(run_id) == "queued"
        ]
        if waiting:
            until(
                lambda: (
                    any(self.fake_runs.status(run_id) == "running" for run_id in self.ids)
                    or all(self.fake_runs.status(run_id) != "queued" for run_id in waiting)
                ),
                "a waiting run trains",
            )

    def has_worker(self, run_id: str) -> bool:
        return is_locked(self.fake_runs.folder(run_id).lock)

    @invariant()
    @precondition(lambda self: hasattr(self, "ids"))
    def every_status_was_reached_by_legal_moves(self) -> None:
        runs = {run.id: run for run in list_runs(self.fake_runs.workspace)}
        for run_id in self.ids:
            run = runs[run_id]
            assert run.problem == "" and run.status in Status
            assert run.status.value in reachable(self.seen[run_id]), f"from {self.seen[run_id]} to {run.status}"
            assert run.seconds >= 0
            self.seen[run_id] = run.status.value
        if len(self.running()) > 1:  # runs are read one after the other, and one may end as the next one starts
            until(lambda: len(self.running()) <= 1, "no more train than there are slots", timeout=5)

    def running(self) -> list[str]:
        return [run.id for run in list_runs(self.fake_runs.workspace) if run.status is Status.RUNNING]

    def teardown(self) -> None:
        if not hasattr(self, "ids"):
            return
        try:
            for run_id in self.ids:
                self.fake_runs.instruct(run_id, "work")
            stop_all(self.fake_runs.workspace)
            assert all(self.fake_runs.status(run_id) not in ("queued", "running") for run_id in self.ids)
            assert self.everything_else() == self.untouched
            until(
                lambda: not [one for one in fakes() if str(self.place) in str(one.info["cmdline"])],
                "no process is left",
            )
        finally:
            kill_fakes(self.place)
            self.patches.close()
            with suppress(OSError):
                shutil.rmtree(self.place)


class RandomMoves(RuleBasedStateMachine):
    """One run without processes: any move, legal or not, in a process that dies or meets a failing disk during it."""

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="moves-"))
        workspace = open_workspace(self.place / "workspace")
        self.folder = RunFolder(workspace.runs / create_run(workspace, make_config()))

    @rule(
        goal=st.sampled_from(Status),
        point=st.sampled_from(POINTS),
        effect=st.sampled_from(["die", "half-die", "enospc"]),
    )
    def move(self, goal: Status, point: str, effect: str) -> None:
        before = read_state(self.folder)
        code = forked(lambda: self.attempt(goal, f"{point}:{effect}" if point else ""))
        after = read_state(self.folder)
        if goal not in MOVES[before.status]:
            assert code == REFUSED and after == before
        elif code == MADE:
            assert after.status is goal and after.status.value in LEGAL[before.status.value]
        else:
            assert code in (EXIT_CODE, NOT_WRITTEN) and (after == before or after.status is goal)

    def attempt(self, goal: Status, plan: str) -> int:
        faults.arm(plan)
        try:
            move(self.folder, goal)
        except RunError:
            return REFUSED
        except StorageError:
            return NOT_WRITTEN
        return MADE

    def teardown(self) -> None:
        if hasattr(self, "place"):
            shutil.rmtree(self.place)


def machine_settings(examples: int, steps: int) -> settings:
    """Settings of a state machine that starts processes and so is slow."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@pytest.mark.fault(2, 20)
@pytest.mark.parametrize("examples", [8, pytest.param(20, marks=pytest.mark.slow)])
def test_random_moves_with_faults(examples: int) -> None:
    run_state_machine_as_test(RandomMoves, settings=machine_settings(examples, 20))


@pytest.mark.parametrize(
    ("examples", "steps"), [(4, 8), pytest.param(16, 25, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.fault(20, 25, 36)
def test_random_requests_and_kills(examples: int, steps: int) -> None:
    run_state_machine_as_test(RandomRuns, settings=machine_settings(examples, steps))
