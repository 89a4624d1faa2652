"""Audits a run on its way into or out of a workspace: its records, and by `result_checks` all values of its results."""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.result_checks import ResultChecks
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.transfer.json_rules import JsonRecords, read_json_records


@dataclass(frozen=True)
class AuditedRun:
    """A run that passed the audit: its records, and its other files by their names in the present schema."""

    records: JsonRecords
    files: dict[str, Path]


def audit_run(folder: RunFolder) -> AuditedRun:
    """Check all files of a run that has ended, except its checkpoints, which are not exported.

    Raises:
        ValueError: something is missing or breaks a rule; the text names the file and the rule.
    """
    records = read_json_records(folder)
    checks = ResultChecks(as_stored(folder), records.creation, records.settings, records.training)
    for fault in checks.faults():
        raise ValueError(fault)
    return AuditedRun(records.with_test_hash(checks.test_hash), checks.files)
