"""Describe the curves of a training in one sentence."""

import math

import numpy as np
import pandas as pd

RECENT = 3  # last epochs that show a trend
SMALL_LOSS = 0.02  # relative change of a loss that counts as noise
SMALL_ACCURACY = 0.005  # change of an accuracy that counts as noise


def explain_curve(metrics: pd.DataFrame, *, classes: int = 10) -> str:
    """Describe the curves in one sentence: improving, overfitting, diverging and so on.

    It looks at the validation part, or at the test set if there is none; the sentence says which.

    Args:
        metrics: one row per epoch with `epoch`, `train_loss`, `train_accuracy` and `validation_*` or `test_*`.
        classes: their number, which tells the accuracy of guessing.
    """
    if metrics.empty:
        return "No epoch is finished yet."
    part = "validation" if _has(metrics, "validation") else "test"
    curve = pd.DataFrame(
        {
            "epoch": metrics["epoch"],
            "train_loss": metrics["train_loss"],
            "train_accuracy": metrics["train_accuracy"],
            "loss": metrics[f"{part}_loss"],
            "accuracy": metrics[f"{part}_accuracy"],
        }
    ).astype(float)
    if not np.isfinite(curve.iloc[-1]).all():
        return "Diverged: the loss is no longer a number; try a lower learning rate."
    if len(curve) == 1:
        return (
            f"One epoch is done with {_percent(curve['accuracy'].iloc[-1])} {part} accuracy; a trend needs a few more."
        )
    for sentence in (_not_learning(curve, classes), _diverging(curve), _overfitting(curve, part)):
        if sentence:
            return sentence
    return _direction(curve, part)


def _has(metrics: pd.DataFrame, part: str) -> bool:
    """Whether the part was measured (a run without a validation part has nulls)."""
    column = f"{part}_loss"
    return column in metrics and bool(metrics[column].notna().any())


def _not_learning(curve: pd.DataFrame, classes: int) -> str:
    guess = 1 / classes
    best = max(curve["accuracy"].max(), curve["train_accuracy"].max())
    if best > min(1.25 * guess, guess + 0.03):
        return ""
    return (
        f"Not learning: after {len(curve)} epochs the accuracy is still {_percent(best)}, about what guessing among "
        f"{classes} classes gives ({_percent(guess)}); try another learning rate."
    )


def _diverging(curve: pd.DataFrame) -> str:
    lowest, last = curve["train_loss"].min(), curve["train_loss"].iloc[-1]
    if last < 1.5 * lowest or last - lowest < 0.2:
        return ""
    return f"Unstable: the training loss rose from {lowest:.2f} to {last:.2f}; try a lower learning rate."


def _overfitting(curve: pd.DataFrame, part: str) -> str:
    """The loss has been above its minimum for `RECENT` epochs while the training loss kept falling."""
    best_row = int(np.argmin(curve["loss"]))
    best, last = curve.iloc[best_row], curve.iloc[-1]
    rising = len(curve) - 1 - best_row >= RECENT and last["loss"] > (1 + SMALL_LOSS) * best["loss"]
    if not rising or last["train_loss"] >= best["train_loss"]:
        return ""
    accuracy = "" if last["accuracy"] <= best["accuracy"] + SMALL_ACCURACY else f" (though {part} accuracy still rose)"
    return (
        f"Overfitting: the {part} loss was lowest at epoch {best['epoch']:.0f} ({best['loss']:.2f}) and has risen to "
        f"{last['loss']:.2f} while the training loss kept falling{accuracy}; "
        "stop near there, or add dropout, augmentation or data."
    )


def _direction(curve: pd.DataFrame, part: str) -> str:
    """Whether the last few epochs still improved or levelled off."""
    back = min(RECENT, len(curve) - 1)
    before, recent = curve.iloc[:-back], curve.iloc[-back:]
    gained = recent["accuracy"].max() - before["accuracy"].max()
    less_loss = 1 - recent["loss"].min() / max(before["loss"].min(), math.ulp(1.0))
    epochs = "epoch" if back == 1 else f"{back} epochs"
    if gained > SMALL_ACCURACY or less_loss > SMALL_LOSS:
        moved = (
            f"{part} accuracy rose from {_percent(before['accuracy'].max())} to {_percent(recent['accuracy'].max())}"
            if gained > SMALL_ACCURACY
            else f"{part} loss fell from {before['loss'].min():.2f} to {recent['loss'].min():.2f}"
        )
        return f"Still improving: over the last {epochs} the {moved}; more epochs may help."
    return (
        f"Plateau: the best {part} accuracy, {_percent(curve['accuracy'].max())}, has hardly moved over the last "
        f"{epochs}; more epochs alone are unlikely to help."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
