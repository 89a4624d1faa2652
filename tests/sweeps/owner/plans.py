"""Plans of sweeps on the tiny dataset, and their folders without an owner."""

from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.config import make_config
from cifar_core.jobs.process import Reporter
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.owner.loop import Owner, Pool
from cifar_core.sweeps.owner.study import Study
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.plan_file import read_plan, write_plan
from cifar_core.sweeps.space import parse_space
from cifar_core.workspace import Workspace

SWEEP = "calm-owl-7abcd"
SPACE = ("learning_rate=1e-4..1e-1", "optimizer=adam|sgd", "momentum=0.5..0.99", "channels=3,4|4,6", "shift=0..4")
TINY = {"dataset": "tiny", "hidden": "8,8", "channels": "3,4", "batch_size": 64, "validation_share": 0.2, "epochs": 4}


def plan_of(
    *space: str, settings: Mapping[str, Any] | None = None, start: Sequence[Mapping[str, Any]] = (), **options: Any
) -> SweepPlan:
    """A plan, checked by nobody but for its space."""
    fixed = make_config({**TINY, **(settings or {})}).flat()
    found = parse_space(space or SPACE, fixed)
    return SweepPlan(SWEEP, "2026-11-29T10:00:00+00:00", fixed, found, SweepOptions(**options), start_points=start)


def make_sweep(workspace: Workspace, plan: SweepPlan) -> SweepFolder:
    """The folder of a sweep whose owner was never started."""
    folder = SweepFolder(workspace.sweeps / plan.id)
    folder.path.mkdir(parents=True)
    write_plan(folder, plan)
    folder.job.make()
    return folder


def own(sweep: SweepFolder, pool: Pool) -> str:
    """Do what the process of the owner does, with these workers."""
    plan = read_plan(sweep)
    return Owner(sweep, plan, Study(plan), pool, Reporter(sweep.job, "sweep")).run()
