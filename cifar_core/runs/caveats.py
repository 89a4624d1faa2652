"""What a person should know before they believe a run's accuracy, in whole sentences. Reads and writes nothing."""

from collections.abc import Sequence

from cifar_core.data import shortcut_warning
from cifar_core.evaluate import wilson_interval
from cifar_core.runs.run import GOES_ON, Run
from cifar_core.text import counted, first_names

FEW_PICTURES = 100  # with fewer, one picture is more than a per cent of an accuracy


def accuracy_caveats(run: Run) -> list[str]:
    """The caveats of the accuracy that a run reports, that of its best epoch; none before its first epoch ends."""
    made_elsewhere = [*_trained_elsewhere(run), *_labels_of_its_own(run)]
    return [*accuracy_doubts(run), *made_elsewhere, *_few_test_pictures(run), *_choice_of_epoch(run)]


def accuracy_doubts(run: Run) -> list[str]:
    """Those caveats that make the number itself doubtful, whatever the number of pictures."""
    if run.best is None or run.dataset is None:
        return []
    return [*_seen_in_training(run), *map(shortcut_warning, run.dataset.shortcuts)]


def seen_phrase(run: Run) -> str:
    """A few words for where an accuracy has no room for a sentence: `20 of 20 seen in training`; else empty."""
    if run.dataset is None or not run.dataset.test_seen:
        return ""
    return f"{run.dataset.test_seen:,} of {run.dataset.test:,} seen in training"


def without_validation(names: Sequence[str]) -> str:
    """A sentence that names the classes without a validation picture; empty where there are none."""
    if not names:
        return ""
    these = "this class has" if len(names) == 1 else "these classes have"
    return f"No validation picture shows {first_names(names)}: {these} no say in which epoch is the best."


def _trained_elsewhere(run: Run) -> list[str]:
    """What nobody here can know of a model whose predictions were imported."""
    if run.has_network:
        return []
    return [
        "These predictions were imported: it is not known whether their model saw test pictures in training. If it "
        "did, its accuracy on new pictures is lower."
    ]


def _seen_in_training(run: Run) -> list[str]:
    """Nothing about a run that was trained before duplicates were looked for."""
    if run.best is None or run.dataset is None:
        return []
    facts, sentences = run.dataset, []
    if facts.test_seen:
        were = "was" if facts.test_seen == 1 else "were"
        seen = f"{facts.test_seen:,} of {counted(facts.test, 'test picture')} {were} seen in training"
        what = (
            "the accuracy is one of memory, and says nothing about new pictures"
            if facts.test_seen == facts.test
            else "the accuracy is one of memory in part, and says less about new pictures"
        )
        whose = ", by it or by the runs whose weights it goes on from" if run.origin in GOES_ON else ""
        sentences.append(f"{seen}, as training or validation pictures{whose}: {what}.")
    if facts.validation_seen and run.best.validation_accuracy is not None:
        were = "was" if facts.validation_seen == 1 else "were"
        sentences.append(
            f"{facts.validation_seen:,} of {counted(facts.validation, 'validation picture')} {were} seen in training, "
            "so the validation part says less about which epoch is the best."
        )
    return sentences


def _labels_of_its_own(run: Run) -> list[str]:
    """What the import of predictions noted about the labels that it was given."""
    return [] if run.has_network else list(run.warnings)


def _few_test_pictures(run: Run) -> list[str]:
    if run.best is None or run.dataset is None or not 0 < run.dataset.test < FEW_PICTURES:
        return []
    count, accuracy = run.dataset.test, run.best.test_accuracy
    if run.dataset.test_seen:  # then it has no interval
        return [f"{_few(count, 'test')}."]
    low, high = wilson_interval(round(accuracy * count), count)
    return [
        f"{_few(count, 'test')}. With {_percent(accuracy)} % of them right, "
        f"{_percent(low)} to {_percent(high)} % of all such pictures may be right (95 % interval)."
    ]


def _choice_of_epoch(run: Run) -> list[str]:
    """Nothing where no validation part chose the epoch."""
    if run.best is None or run.dataset is None or run.best.validation_accuracy is None:
        return []
    count, sentences = run.dataset.validation, []
    if 0 < count < FEW_PICTURES:
        sentences.append(f"{_few(count, 'validation')}: between similar epochs it is chance which is the best.")
    unvalidated = without_validation(run.dataset.unvalidated or ())
    return [*sentences, unvalidated] if unvalidated else sentences


def _few(count: int, part: str) -> str:
    """`Only 20 test pictures, each of which counts for 5 %`."""
    one = "which counts" if count == 1 else "each of which counts"
    return f"Only {counted(count, f'{part} picture')}, {one} for {_percent(1 / count)} %"


def _percent(share: float) -> str:
    """A share in per cent with at most one decimal: `5`, `33.3`."""
    return f"{round(100 * share, 1):g}"
