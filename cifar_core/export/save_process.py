"""The process that saves pictures of a run: `python -m cifar_core.export.save_process --job=DIR`, by `save_job.py`."""

from cifar_core.export.pictures import save_samples
from cifar_core.export.save_job import SaveRequest
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.notes import read_tags
from cifar_core.runs import open_run_dataset, parse_run_epoch, read_predictions, read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples import prediction_table, with_other_answers, with_seeds, with_tags
from cifar_core.text import counted


def save(job: JobFolder, request: SaveRequest, reporter: Reporter) -> None:
    """Save the pictures; how many and where goes into the report."""
    reporter("Opening the pictures", 0, 0, "")
    folder = RunFolder(job.path.parents[1])  # of the run (`save_job`)
    run = read_run(folder.workspace, folder.run_id)
    found = read_predictions(folder.workspace, run.id, request.epoch)
    dataset = open_run_dataset(folder.workspace, run)
    assert run.dataset is not None  # it was opened
    table = with_tags(prediction_table(found), read_tags(folder.workspace, run.dataset.fingerprint))
    table = with_seeds(folder.workspace, run, table)
    if request.against:
        other = parse_run_epoch(request.against)
        table = with_other_answers(table, prediction_table(read_predictions(folder.workspace, other.run, other.epoch)))
    made = save_samples(
        folder.workspace,
        dataset.test,
        table.iloc[request.indices],
        found.probs,
        found.class_names,
        found.epoch,
        label=request.label,
        enlarge=request.enlarge,
        progress=reporter,
    )
    reporter.report += [counted(len(made.pictures), "picture"), str(made.folder)]


if __name__ == "__main__":
    run_job_process(SaveRequest, save)
