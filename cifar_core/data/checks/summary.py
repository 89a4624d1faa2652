"""All checks of a dataset's labels and properties together: as sentences for people, as JSON for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from cifar_core.data.checks.balance import Imbalance, imbalance
from cifar_core.data.checks.check import DatasetCheck
from cifar_core.data.checks.findings import Finding, odd_pictures
from cifar_core.data.checks.shortcuts import Shortcut, Told, shortcuts
from cifar_core.data.dataset import Dataset
from cifar_core.text import whole_percent

_MAX_IDS = 20  # of each part


@dataclass(frozen=True)
class Summary:
    """What the checks found, and what they looked for in vain."""

    imbalance: Imbalance
    findings: list[Finding]  # of every kind that was looked for
    shortcuts: list[Shortcut]  # of every property, the possible ones first

    @property
    def odd(self) -> list[Finding]:
        """The kinds of odd pictures that there are."""
        return [finding for finding in self.findings if finding.count]

    @property
    def not_found(self) -> str:
        """One sentence on the kinds that there are not; empty where there are all."""
        missing = [finding.title.lower() for finding in self.findings if not finding.count]
        return f"Looked for and not found: {', '.join(missing)}." if missing else ""

    @property
    def no_shortcut(self) -> str:
        """One sentence where no property is a possible shortcut; empty where one is, or none could be tried."""
        if not self.shortcuts or self.shortcuts[0].possible:
            return ""
        best = max(self.shortcuts, key=lambda shortcut: shortcut.all_classes.accuracy)
        told = best.all_classes
        tells = f"{best.title.lower()} alone tells the class of {whole_percent(told.accuracy)} of the pictures"
        if told.accuracy >= told.named_from:
            return (
                f"There are too few pictures to say whether one property gives the class away: {tells}, which chance "
                f"may do too ({whole_percent(told.chance)} on average)."
            )
        return f"No single property gives the class away. At best, {tells} (chance: {whole_percent(told.chance)})."

    @property
    def sentences(self) -> list[str]:
        """Everything in plain words, for the command and the dataset card. They hold names of classes as they are."""
        lines = [*self.imbalance.sentences, *(finding.sentence for finding in self.odd), self.not_found]
        lines += [f"Possible shortcut: {shortcut.sentence}" for shortcut in self.shortcuts if shortcut.possible]
        return [line for line in [*lines, self.no_shortcut] if line]


def summarise(dataset: Dataset, check: DatasetCheck) -> Summary:
    """Run all checks of labels and properties; 60,000 pictures take less than 0.15 s."""
    properties = (check.train_properties, check.test_properties)
    return Summary(imbalance(dataset), odd_pictures(dataset, *properties), shortcuts(dataset, *properties))


def summary_json(dataset: Dataset, summary: Summary) -> list[dict[str, Any]]:
    """One object for each check: `id`, `title`, `found` (is there anything to know), `sentence`, and its numbers."""
    return [
        _balance_json(summary.imbalance),
        *(_finding_json(dataset, finding) for finding in summary.findings),
        *(_shortcut_json(shortcut) for shortcut in summary.shortcuts),
    ]


def _balance_json(found: Imbalance) -> dict[str, Any]:
    return {
        "id": "imbalance",
        "title": "Pictures of each class",
        "found": found.found,
        "sentence": " ".join(found.sentences),
        "parts": [{**asdict(part), "ratio": part.ratio} for part in found.parts],
        "shift": asdict(found.shift) if found.shift else None,
    }


def _finding_json(dataset: Dataset, finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "title": finding.title,
        "found": finding.count > 0,
        "sentence": finding.sentence,
        "count": finding.count,
        "train": dataset.train.ids[finding.train[:_MAX_IDS]].tolist(),
        "test": dataset.test.ids[finding.test[:_MAX_IDS]].tolist(),
    }


def _shortcut_json(shortcut: Shortcut) -> dict[str, Any]:
    return {
        "id": f"shortcut-{shortcut.id}",
        "title": shortcut.title,
        "found": shortcut.possible,
        "sentence": shortcut.sentence,
        "all_classes": _told_json(shortcut.all_classes),
        "one_class": {"class": shortcut.class_name, **_told_json(shortcut.one_class)},
    }


def _told_json(told: Told) -> dict[str, float | bool]:
    """Rounded, because the last digits of a float differ from machine to machine."""
    return {name: value if isinstance(value, bool) else round(value, 6) for name, value in asdict(told).items()}
