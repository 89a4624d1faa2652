"""What other runs answer to a test picture: those that were measured on the same pictures with the same labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.pictures.over_epochs import read_row
from cifar_core.runs.results import UNREADABLE
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.sample_files import hash_of_samples, read_samples
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """What a run predicts for one picture at its best epoch."""

    run: Run
    predicted: int  # index of the class
    confidence: float  # 0 to 1

    @property
    def class_name(self) -> str:
        """The predicted class, by the name that the run knows it by."""
        return self.run.dataset.class_names[self.predicted] if self.run.dataset else ""


def measured_alike(workspace: Workspace, run: Run, runs: Iterable[Run]) -> list[Run]:
    """Those of `runs` that have a result on the test pictures of `run`, itself left out; in the order given.

    Their recorded hashes of labels and ids are equal. Only for runs of an older schema, which recorded none, it is
    computed of the files; where these are damaged too, a run is like no other.
    """
    others = [other for other in runs if other.id != run.id and other.best is not None and not other.problem]
    wanted = _test_hash(workspace, run)
    return [other for other in others if _may_equal(run, other) and wanted == _test_hash(workspace, other) != ""]


def read_answers(workspace: Workspace, runs: Sequence[Run], row: int) -> tuple[list[Answer], list[Run]]:
    """What each run predicts for the test picture number `row`, and the runs whose predictions cannot be read."""
    answers, damaged = [], []
    for run in runs:
        try:
            epoch = run.best.epoch if run.best else 0
            probs = read_row(as_stored(RunFolder(workspace.runs / run.id)), run.dataset, epoch, row)
        except UNREADABLE:
            damaged.append(run)
        else:
            answers.append(Answer(run, int(probs.argmax()), float(probs.max())))
    return answers, damaged


def _may_equal(run: Run, other: Run) -> bool:
    """Whether the parts are equally large, which is known without reading an array."""
    return run.dataset is not None and other.dataset is not None and run.dataset.test == other.dataset.test


def _test_hash(workspace: Workspace, run: Run) -> str:
    """The hash of the labels and ids of the test pictures; empty where it is not known."""
    if run.dataset is None or run.dataset.test_hash:
        return run.dataset.test_hash if run.dataset else ""
    try:
        samples = read_samples(as_stored(RunFolder(workspace.runs / run.id)).samples("test"), run.dataset.test)
    except UNREADABLE:
        return ""
    return hash_of_samples(samples.labels, [samples.ids])
