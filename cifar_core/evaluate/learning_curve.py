"""What a training's curves say: a judgement of them as they are, and what happened on the way, in short sentences."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

RECENT = 3  # last epochs that show a trend
SMALL_LOSS = 0.02  # relative change of a loss that counts as noise
SMALL_ACCURACY = 0.005  # change of an accuracy that counts as noise
JudgementKind = Literal["none", "first", "improving", "plateau", "overfitting", "unstable", "not learning"]
_LASTING: tuple[JudgementKind, ...] = ("plateau", "overfitting", "unstable", "not learning")
_KEPT_AFTERWARDS: tuple[JudgementKind, ...] = ("overfitting", "unstable")  # however short it was


@dataclass(frozen=True)
class CurveJudgement:
    """What the curves of a run say."""

    kind: JudgementKind
    sentence: str


@dataclass(frozen=True)
class _Curve:
    """The finite values of the part that is judged: float [N] each, a value for each epoch."""

    part: str  # "validation", or "test" where the run has no validation part
    epoch: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray

    def first(self, count: int) -> "_Curve":
        """The first epochs of the curve."""
        arrays = {name: value[:count] for name, value in vars(self).items() if name != "part"}
        return replace(self, **arrays)


@dataclass(frozen=True)
class _Stretch:
    """Epochs in a row after each of which the curve was judged alike."""

    kind: JudgementKind
    began: int  # row of the first epoch that it is about, 0-based
    first: int  # number of epochs after which it was first judged so
    last: int  # likewise for the last time


def judge_curve(metrics: pd.DataFrame, *, classes: int = 10) -> CurveJudgement:
    """Say how the training goes: improving, overfitting and so on, and since which epoch.

    It looks at the validation part, or at the test set if there is none; the sentence says which.

    Args:
        metrics: one row per epoch with `epoch`, `train_loss`, `train_accuracy` and `validation_*` or `test_*`.
        classes: their number, which tells the accuracy of guessing.
    """
    if metrics.empty:
        return CurveJudgement("none", "No epoch is finished yet.")
    if not _trained(metrics):
        return CurveJudgement("none", "These predictions were imported: there is no training to judge.")
    curve, diverged = _curve_of(metrics)
    if diverged:
        return CurveJudgement("unstable", diverged)
    last = _stretches(curve, classes)[-1]
    return CurveJudgement(last.kind, _sentence(curve, last, classes))


def curve_events(metrics: pd.DataFrame, *, classes: int = 10) -> list[str]:
    """What happened in a training, a sentence for each, with the epochs: plateau, overfitting and so on.

    A plateau or an accuracy of guessing that passed is told only if it was seen after `RECENT` epochs or more.

    Args:
        metrics, classes: as `judge_curve`.
    """
    if metrics.empty or not _trained(metrics):
        return []
    curve, diverged = _curve_of(metrics)
    events = [_sentence(curve, stretch, classes) for stretch in _events(curve, classes)]
    return [*events, *([diverged] if diverged else [])]


def _trained(metrics: pd.DataFrame) -> bool:
    """Whether the epochs are those of a training; imported predictions have nothing that a training measures."""
    return bool(metrics[["train_loss", "train_accuracy"]].notna().any(axis=None))


def _curve_of(metrics: pd.DataFrame) -> tuple[_Curve, str]:
    """The curve that is judged, and a sentence where its last epoch has a value that is not a number."""
    part = "validation" if _has(metrics, "validation") else "test"
    names = ["epoch", "train_loss", "train_accuracy", f"{part}_loss", f"{part}_accuracy"]
    table = metrics[names].to_numpy(float)
    finite = np.isfinite(table).all(axis=1)
    sentence = ""
    if not finite[-1]:
        sentence = f"Diverged in epoch {table[-1, 0]:.0f}: the loss is no longer a number; try a lower learning rate."
    return _Curve(part, *table[finite].T), sentence


def _has(metrics: pd.DataFrame, part: str) -> bool:
    """Whether the part was measured (a run without a validation part has nulls)."""
    column = f"{part}_accuracy"  # a loss may not be a number
    return column in metrics and bool(metrics[column].notna().any())


def _stretches(curve: _Curve, classes: int) -> list[_Stretch]:
    """How the curve was judged after each of its epochs, equal judgements in a row as one."""
    found: list[_Stretch] = []
    for count in range(1, len(curve.epoch) + 1):
        kind = _kind(curve.first(count), classes)
        if found and found[-1].kind == kind:
            found[-1] = replace(found[-1], last=count)
        else:
            found.append(_Stretch(kind, _began(curve.first(count), kind), count, count))
    return found


def _events(curve: _Curve, classes: int) -> Iterator[_Stretch]:
    """The stretches worth telling; those of one kind that are about the same epochs as one."""
    events: list[_Stretch] = []
    for stretch in _stretches(curve, classes):
        if stretch.kind not in _LASTING:
            continue
        same = [at for at, event in enumerate(events) if event.kind == stretch.kind and stretch.began < event.last]
        if same:
            events[same[-1]] = replace(events[same[-1]], last=stretch.last)
        else:
            events.append(stretch)
    for event in events:
        lasts, long = event.last == len(curve.epoch), event.last - event.first >= RECENT - 1
        if lasts or long or event.kind in _KEPT_AFTERWARDS:
            yield event


def _kind(curve: _Curve, classes: int) -> JudgementKind:
    """The judgement of a curve after its last epoch."""
    if len(curve.epoch) == 1:
        return "first"
    if max(curve.accuracy.max(), curve.train_accuracy.max()) <= _guessing(classes):
        return "not learning"
    lowest, last = curve.train_loss.min(), curve.train_loss[-1]
    if last >= 1.5 * lowest and last - lowest >= 0.2:
        return "unstable"
    if _is_overfitting(curve):
        return "overfitting"
    if _still_improves(curve):
        return "improving"
    return "plateau" if len(curve.epoch) > RECENT else "first"


def _guessing(classes: int) -> float:
    """The highest accuracy that still counts as guessing."""
    return min(1.25 / classes, 1 / classes + 0.03)


def _is_overfitting(curve: _Curve) -> bool:
    """Whether the loss has been above its minimum for `RECENT` epochs while the training loss kept falling."""
    best = int(curve.loss.argmin())
    rising = len(curve.loss) - 1 - best >= RECENT and curve.loss[-1] > (1 + SMALL_LOSS) * curve.loss[best]
    return bool(rising and curve.train_loss[-1] < curve.train_loss[best])


def _still_improves(curve: _Curve) -> bool:
    gained, less_loss = _recent_gain(curve)
    return gained > SMALL_ACCURACY or less_loss > SMALL_LOSS


def _recent_gain(curve: _Curve) -> tuple[float, float]:
    """How much the best accuracy rose over the recent epochs, and the part of the lowest loss that they took off."""
    back = min(RECENT, len(curve.epoch) - 1)
    gained = curve.accuracy[-back:].max() - curve.accuracy[:-back].max()
    return float(gained), float(1 - curve.loss[-back:].min() / max(curve.loss[:-back].min(), math.ulp(1.0)))


def _began(curve: _Curve, kind: JudgementKind) -> int:
    """The row of the epoch in which it began, for a curve that is judged so for the first time."""
    rows = {
        "plateau": len(curve.epoch) - RECENT,
        "overfitting": int(curve.loss.argmin()) + 1,
        "unstable": len(curve.epoch) - 1,
    }
    return rows.get(kind, 0)


def _sentence(curve: _Curve, stretch: _Stretch, classes: int) -> str:
    """A sentence on a stretch; what to do follows where it lasts to the end of the curve."""
    now, lasts = curve.first(stretch.last), stretch.last == len(curve.epoch)
    match stretch.kind:
        case "first":
            return _first_words(now)
        case "improving":
            return _improving_words(now)
        case "plateau":
            what, advice = f"the best {now.part} accuracy hardly moves", "more epochs alone are unlikely to help"
        case "overfitting":
            what, advice = _overfitting_words(now), "stop near there, or add dropout, augmentation or data"
        case "unstable":
            lowest, last = now.train_loss.min(), now.train_loss[-1]
            what, advice = f"the training loss rose from {lowest:.2f} to {last:.2f}", "try a lower learning rate"
        case _:
            what, advice = _guessing_words(now, classes), "try another learning rate"
    if stretch.kind == "not learning":
        span = f"in {len(now.epoch)} epochs"
    else:
        span = _span(int(now.epoch[stretch.began]), None if lasts else int(now.epoch[-1]))
    return f"{stretch.kind.capitalize()} {span}: {what}{f'; {advice}' if lasts else ''}."


def _span(began: int, ended: int | None) -> str:
    if ended is None:
        return f"from epoch {began}"
    return f"in epoch {began}" if began == ended else f"from epoch {began} to {ended}"


def _first_words(curve: _Curve) -> str:
    done = "One epoch is" if len(curve.epoch) == 1 else f"{len(curve.epoch)} epochs are"
    return f"{done} done; a trend needs a few more."


def _improving_words(curve: _Curve) -> str:
    back = min(RECENT, len(curve.epoch) - 1)
    epochs = "epoch" if back == 1 else f"{back} epochs"
    gained = _recent_gain(curve)[0]
    if gained > SMALL_ACCURACY:
        moved = f"{curve.part} accuracy rose by {100 * gained:.1f} points"
    else:
        moved = f"{curve.part} loss fell from {curve.loss[:-back].min():.2f} to {curve.loss[-back:].min():.2f}"
    return f"Still improving: {moved} over the last {epochs}; more epochs may help."


def _overfitting_words(curve: _Curve) -> str:
    best = int(curve.loss.argmin())
    rose = curve.accuracy[-1] > curve.accuracy[best] + SMALL_ACCURACY
    return (
        f"the {curve.part} loss rose from {curve.loss[best]:.2f} to {curve.loss[-1]:.2f} while the training loss fell"
        f"{f', though the {curve.part} accuracy still rose' if rose else ''}"
    )


def _guessing_words(curve: _Curve, classes: int) -> str:
    best = max(curve.accuracy.max(), curve.train_accuracy.max())
    return f"the best accuracy is {_percent(best)}, and guessing among {classes} classes gives {_percent(1 / classes)}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
