"""The process that owns a sweep: `python -m cifar_core.sweeps.owner.process --job=DIR`, started by `control.py`.

It rebuilds the study from the disk, keeps the workers busy until all candidates are done, and ends. Where the runs are
computed on a Ray cluster, `ray_process.py` is started instead and does the same with other workers.
"""

from collections.abc import Callable

from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.lifecycle.warm.pool import WarmPool
from cifar_core.storage.atomic import sweep_temp
from cifar_core.sweeps.control import SweepRequest
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.owner.loop import Owner, Pool
from cifar_core.sweeps.owner.shared import SharedStudy
from cifar_core.sweeps.owner.study import Study
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.plan_file import read_plan


def own(job: JobFolder, reporter: Reporter, make_pool: Callable[[SweepFolder, SweepPlan], Pool]) -> None:
    """Do the job: its folder lies in that of the sweep. A sentence in its report says why it ended unfinished.

    Args:
        job: its folder.
        reporter: of the job.
        make_pool: gives the workers of the sweep.

    Raises:
        CancelledError: it was asked to end.
        CifarCoreError: it cannot go on.
    """
    reporter("Starting", 0, 0, "")
    sweep = SweepFolder(job.path.parent)
    plan = read_plan(sweep)
    for folder in (sweep.trials, sweep.runs):  # what killed writers left
        sweep_temp(folder)
    pool = make_pool(sweep, plan)
    study = SharedStudy(plan, sweep.workspace) if plan.options.storage else Study(plan)
    unfinished = Owner(sweep, plan, study, pool, reporter).run()
    if unfinished:
        reporter.say(unfinished)


def _own(job: JobFolder, _request: SweepRequest, reporter: Reporter) -> None:
    own(job, reporter, lambda sweep, _plan: WarmPool(sweep.workspace, None, job.log))


if __name__ == "__main__":
    run_job_process(SweepRequest, _own)
