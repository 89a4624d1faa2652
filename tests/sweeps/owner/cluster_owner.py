"""An owner of a sweep with a shared study, as a process: `python cluster_owner.py WORKSPACE SECONDS`.

Its workers train nothing and take SECONDS for an epoch; a trial whose owner died is stale after two seconds.
"""

import sys
import time
from pathlib import Path

from cifar_core.jobs.process import Reporter
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.owner import shared
from cifar_core.sweeps.owner.loop import Owner
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.workspace import Workspace
from tests.sweeps.owner.fake_pool import FakePool
from tests.sweeps.owner.plans import SWEEP

if __name__ == "__main__":
    shared.BEAT_SECONDS, shared.GRACE_SECONDS = 1, 2
    workspace, pause = Workspace(Path(sys.argv[1])), float(sys.argv[2])
    sweep = SweepFolder(workspace.sweeps / SWEEP)
    plan, pool = read_plan(sweep), FakePool()
    pool.before_wait = lambda _: time.sleep(pause)
    Owner(sweep, plan, shared.SharedStudy(plan, workspace), pool, Reporter(sweep.job, "sweep")).run()
