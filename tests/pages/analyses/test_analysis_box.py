"""The box of an analysis: begun once by itself, followed with Stop, stale or failed with a button that computes it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cifar_core.analyse import Analysis, Result, analysis_job, kept_path
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.job import AnalysisRequest
from cifar_core.errors import RunError
from cifar_core.jobs import start
from cifar_core.jobs.job import JobFolder, JobState, write_request, write_state
from cifar_core.runs import Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.analyse.conftest import COUNTING, Counting, CountingParameters, at_once, counting, run
from tests.pages.support import said

__all__ = ["at_once", "counting", "run"]
DEFAULT = CountingParameters()
OpenBox = Callable[..., AppTest]


def script(*given: object) -> None:  # workspace, run, analysis, parameters
    import streamlit as st  # noqa: PLC0415 - the script of a page is run from its text alone

    from pages.ui.analyses.analysis_box import show_analysis  # noqa: PLC0415

    found = show_analysis(*given, "box")
    st.text("nothing" if found is None else f"{found.values['mistakes']} of {len(found.arrays['wrong'])}")


@pytest.fixture
def box(workspace: Workspace, run: Run) -> OpenBox:
    """A page with the box alone."""
    st.cache_resource.clear()

    def opened(analysis: Analysis[Any] = COUNTING, parameters: Any = DEFAULT) -> AppTest:
        app = AppTest.from_function(script, default_timeout=30, args=(workspace, run, analysis, parameters)).run()
        assert not app.exception, app.exception
        return app

    return opened


def shown(app: AppTest) -> str:
    assert not app.exception, app.exception
    return str(app.text[0].value)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_it_is_computed_by_itself(box: OpenBox, counting: Counting, at_once: list[JobFolder]) -> None:
    app = box()
    assert shown(app).endswith(" of 50") and labels(app) == [] and said(app) == ""
    app.run()
    assert counting.calls == len(at_once) == 1
    assert shown(box(parameters=CountingParameters("first"))).endswith(" of 50") and len(at_once) == 2


def test_a_running_one_is_followed_and_stopped(
    box: OpenBox, workspace: Workspace, run: Run, counting: Counting
) -> None:
    job = analysis_job(workspace, run.id, COUNTING, DEFAULT)
    job.make()
    with hold_lock(job.lock):
        write_request(job, AnalysisRequest("analysis", COUNTING.id, {}))
        write_state(job, JobState("analysis", "running", "Counting", 1, 2, "pictures"))
        app = box()
        assert shown(app) == "nothing" and labels(app) == ["Stop"]
        assert "The count of mistakes of this run is being computed, once; it is kept with the run." in said(app)
        app.button[0].click().run()
        assert job.cancel_file.exists()
    app.run()
    assert shown(app) == "nothing" and labels(app) == ["Compute the count of mistakes"]
    assert "It was cancelled" in said(app) and counting.calls == 0, "it is not begun again by itself"


@pytest.mark.fault(89)
def test_a_stale_one_is_shown_and_renewed(
    box: OpenBox, workspace: Workspace, run: Run, counting: Counting, at_once: list[JobFolder]
) -> None:
    compute_and_keep(workspace, run, COUNTING, CountingParameters(limit=7))
    app = box()
    assert shown(app).endswith(" of 7") and labels(app) == ["Compute again"] and not at_once
    assert "with other settings (Limit: 7 pictures, not 50 pictures)" in said(app).replace("\\", "")
    app.button[0].click().run()
    assert shown(app).endswith(" of 50") and labels(app) == [] and len(at_once) == 1
    job = analysis_job(workspace, run.id, COUNTING, DEFAULT)
    run_folder(workspace, run.id).probs("validation", 2).unlink()
    with hold_lock(job.lock):
        write_state(job, JobState("analysis", "running"))
        app.run()
        assert shown(app).endswith(" of 50") and labels(app) == ["Stop"]
        assert "It is being computed again; below is the earlier one." in said(app)


def test_one_of_another_version_is_not_shown(box: OpenBox, workspace: Workspace, run: Run, counting: Counting) -> None:
    compute_and_keep(workspace, run, COUNTING, DEFAULT)
    app = box(dataclasses.replace(COUNTING, version=2))
    assert shown(app) == "nothing" and labels(app) == ["Compute again"]
    assert "was computed by another version of this program" in said(app)


@pytest.mark.fault(89)
def test_one_that_failed_waits_for_its_button(box: OpenBox, counting: Counting, at_once: list[JobFolder]) -> None:
    def fail() -> None:
        raise RunError("There is no *mistake* to count.")

    counting.meanwhile = fail
    app = box()
    for _ in range(2):
        assert shown(app) == "nothing" and labels(app) == ["Compute the count of mistakes"]
        assert [each.value for each in app.error] == ["There is no \\*mistake\\* to count\\."] and counting.calls == 1
        app = box()  # another session
    counting.meanwhile = lambda: None
    app.button[0].click().run()
    assert shown(app).endswith(" of 50") and not app.error


@pytest.mark.fault(89)
def test_a_killed_one_says_so(box: OpenBox, workspace: Workspace, run: Run, counting: Counting) -> None:
    job = analysis_job(workspace, run.id, COUNTING, DEFAULT)
    job.make()
    write_request(job, AnalysisRequest("analysis", COUNTING.id, {}))
    write_state(job, JobState("analysis", "running", "Counting", 1, 2, "pictures"))
    app = box()
    assert "Its process ended early" in said(app) and labels(app) == ["Compute the count of mistakes"]
    assert counting.calls == 0


@pytest.mark.fault(89)
def test_a_damaged_one_is_computed_again(
    box: OpenBox, workspace: Workspace, run: Run, counting: Counting, at_once: list[JobFolder]
) -> None:
    path = kept_path(workspace, run, COUNTING, DEFAULT)
    box()
    path.write_bytes(path.read_bytes()[:-50])
    assert shown(box()).endswith(" of 50") and len(at_once) == 2
    app = box()
    path.unlink()
    app.run()
    assert shown(app).endswith(" of 50") and len(at_once) == 3
    path.unlink()
    app.run()
    assert labels(app) == ["Compute the count of mistakes"], "by itself once in a session"


def test_a_start_that_is_refused_is_said_once(
    box: OpenBox, counting: Counting, monkeypatch: pytest.MonkeyPatch, arm: Callable[[str], None]
) -> None:
    monkeypatch.setattr(start, "spawn", lambda *_: pytest.fail("it was started"))
    arm("write:1+:enospc")
    app = box()
    arm("")
    for _ in range(2):
        assert shown(app) == "nothing" and labels(app) == ["Compute the count of mistakes"] and len(app.error) == 1
        app.run()


def test_what_it_lacks_is_said(box: OpenBox, counting: Counting) -> None:
    app = box(dataclasses.replace(COUNTING, needs=("training records",)))
    assert "kept no training records" in app.info[0].value and labels(app) == []


def test_a_quick_one_is_answered_at_once(box: OpenBox, workspace: Workspace, run: Run, counting: Counting) -> None:
    def answer(workspace: Workspace, run: Run, parameters: CountingParameters) -> Result:
        return counting(workspace, run, parameters, lambda *_: None)

    quick = dataclasses.replace(COUNTING, kind="quick", answer=answer)
    app = box(quick)
    app.run()
    assert (
        shown(app).endswith(" of 50") and counting.calls == 1 and not kept_path(workspace, run, quick, DEFAULT).exists()
    )
    folder = run_folder(workspace, run.id)
    folder.probs("test", 2).write_bytes(folder.probs("test", 1).read_bytes())
    app.run()
    assert counting.calls == 2, "of other predictions, it is another answer"
