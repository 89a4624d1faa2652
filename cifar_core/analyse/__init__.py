"""Analyses of a run: declared here, computed in a process of their own, kept with the run. Loads no heavy package."""

from cifar_core.analyse.declaration import Analysis, Need, Result, make_parameters, specs_of
from cifar_core.analyse.job import analysis_job, missing_needs, start_analysis
from cifar_core.analyse.kept import KeptResult, inputs_of, kept_path, quick_answer, read_kept

__all__ = [
    "Analysis",
    "KeptResult",
    "Need",
    "Result",
    "analysis_job",
    "inputs_of",
    "kept_path",
    "make_parameters",
    "missing_needs",
    "quick_answer",
    "read_kept",
    "specs_of",
    "start_analysis",
]
