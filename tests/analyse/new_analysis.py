"""Starts the analysis `sure-mistakes` of a run as a job in the program of the current folder, and prints its result.

Called by `test_new_analysis.py` as `python -m tests.analyse.new_analysis WORKSPACE RUN`, with a copy of the program
that has this analysis.
"""

import json
import sys
from pathlib import Path

from cifar_core.analyse import analysis_job, make_parameters, read_kept, start_analysis
from cifar_core.analyse.table import ANALYSES
from cifar_core.runs import read_run
from cifar_core.workspace import Workspace
from tests.jobs.support import wait_for_end

if __name__ == "__main__":
    workspace, analysis = Workspace(Path(sys.argv[1])), ANALYSES["sure-mistakes"]
    run, parameters = read_run(workspace, sys.argv[2]), make_parameters(analysis.parameters, {"confidence": "0.2"})
    start_analysis(workspace, run, analysis, parameters)
    ended = wait_for_end(analysis_job(workspace, run.id, analysis, parameters))
    kept = read_kept(workspace, run, analysis, parameters)
    assert kept is not None and not kept.stale, ended
    print(json.dumps({"values": kept.values, "indices": kept.arrays["indices"].tolist(), "end": ended.state}))
