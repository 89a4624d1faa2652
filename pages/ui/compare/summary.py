"""What the page says first: the difference in one sentence, the numbers it comes from, and the settings that differ."""

import streamlit as st

from cifar_core.config import differing, spec_of
from cifar_core.evaluate import INTERVAL_METHOD, TERMS, CalibrationScores, Interval, comparison_sentence
from cifar_core.runs import Run, seed_noise
from cifar_core.spec import value_words
from pages.ui.compare.pair import Pair
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.understand.joined_columns import RunAtEpoch
from pages.ui.wording import percent

MAX_SETTINGS = 4  # that are named on the line; the others stand behind its "?"
_GOES_ON = {"continued": "continues", "fine-tuned": "began with the weights of"}
METHODS = (
    f"Every difference is B − A on the same pictures. Its 95 % interval: {INTERVAL_METHOD}, for paired shares. "
    "Of each accuracy: Wilson. p: exact McNemar test, how often chance alone would split the changed pictures at "
    "least as unevenly if A and B were equally good."
)

CALIBRATION_HELP = " ".join(f"**{TERMS[name].title}.** {TERMS[name].help}" for name in ("ece", "brier", "nll"))


def show_summary(pair: Pair, a: RunAtEpoch, b: RunAtEpoch, runs: list[Run]) -> None:
    """Show the sentence large, and the rest small; all runs tell what is known of the seeds of A and B."""
    comparison = pair.comparison
    noise = seed_noise(runs, a.run, b.run) if all(map(_is_reported, (a, b))) else None
    with st.container(gap=None):
        st.subheader(escaped_sentence(comparison_sentence(comparison, noise=noise)), anchor=False, help=METHODS)
        accuracies = " · ".join(
            f"{letter} {escaped(at.run.name)} {_accuracy(interval)}{', still training' if at.run.active else ''}"
            for letter, at, interval in (("A", a, comparison.accuracy_a), ("B", b, comparison.accuracy_b))
        )
        words, others = setting_words(a, b)
        st.caption(f"{accuracies} · test, n = {comparison.n:,} · {words}", help=others or None)
        st.caption(_calibration_words(*pair.calibrations), help=CALIBRATION_HELP)


def _is_reported(at: RunAtEpoch) -> bool:
    """Whether this is the epoch that a run's accuracy is of: repeats are known to spread there."""
    return at.run.best is not None and at.epoch == at.run.best.epoch


def setting_words(at_a: RunAtEpoch, at_b: RunAtEpoch) -> tuple[str, str]:
    """Return the settings that differ, as Markdown, and those for which there was no room."""
    a, b = at_a.run, at_b.run
    if a.id == b.id:
        same = at_a.epoch == at_b.epoch
        return (
            "**A and B are the same epoch of the same run: choose another one**" if same else "two epochs of one run"
        ), ""
    imported = [letter for letter, run in (("A", a), ("B", b)) if not run.has_network]
    if imported:
        return f"settings of {' and '.join(imported)} not known: imported predictions", ""
    names, origin = differing([a.config, b.config]), _origin_words(a, b)
    if not names:
        return f"{origin}the same settings", ""
    flat_a, flat_b = a.config.flat(), b.config.flat()

    def change(name: str) -> str:
        spec = spec_of(name)
        before, after = (escaped(value_words(spec, flat[name])) for flat in (flat_a, flat_b))
        return f"{spec.label.lower()} {before} → {after}"

    changes = [change(name) for name in names]
    more = len(changes) - MAX_SETTINGS
    shown = ", ".join(changes[:MAX_SETTINGS]) + (f" and {more} more" if more > 0 else "")
    return f"{origin}differ: {shown}", ", ".join(changes[MAX_SETTINGS:])


def _origin_words(a: Run, b: Run) -> str:
    """Return how one of two runs came from the other, to stand before other words; empty where it did not."""
    for this, other, child, parent in (("A", "B", a, b), ("B", "A", b, a)):
        if child.parent == parent.id and child.origin in _GOES_ON:
            return f"{this} {_GOES_ON[child.origin]} {other} after epoch {child.parent_epoch} · "
    return ""


def _calibration_words(a: CalibrationScores, b: CalibrationScores) -> str:
    """Return how far the confidence of both can be believed."""
    pairs = (("Brier score", a.brier, b.brier), ("NLL", a.nll, b.nll))
    changes = [f"ECE {percent(a.ece)} → {percent(b.ece)}", *(f"{name} {x:.3f} → {y:.3f}" for name, x, y in pairs)]
    return f"Their confidence, A → B, lower is better: {' · '.join(changes)}"


def _accuracy(interval: Interval) -> str:
    return f"**{percent(interval.value)}** ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
