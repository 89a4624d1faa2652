"""Wrong labels that are planted in a training part, and how well the data map finds them.

`python -m tests.analyse.planted_labels WORKSPACE [EPOCHS]` trains on drawn10 with wrong labels in a twentieth of its
training pictures, and prints the figures of `docs/BENCHMARKS.md`.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.learning import LEARNING, LearningParameters, learning_of
from cifar_core.config import make_config
from cifar_core.data import Dataset, open_dataset, save_dataset
from cifar_core.runs import create_run, read_run
from cifar_core.workspace import Workspace, open_workspace
from tests.runs.in_process import train

SHARE = 0.05


@dataclass(frozen=True)
class Found:
    """How the pictures with a wrong label and the others were learned."""

    planted: pd.DataFrame  # rows of `learning_of`
    others: pd.DataFrame

    @property
    def shares(self) -> tuple[float, float]:
        """The share forgotten or never learned, of the planted ones and of the others."""
        return tuple(((rows["forgetting"] > 0) | rows["never_learned"]).mean() for rows in (self.planted, self.others))

    @property
    def never_learned(self) -> tuple[float, float]:
        """The share never learned, of the planted ones and of the others."""
        return tuple(rows["never_learned"].mean() for rows in (self.planted, self.others))

    @property
    def auc(self) -> float:
        """How often a planted picture has the lower AUM than another one, ties counted half: the area under the ROC."""
        ranks = pd.concat([self.planted["aum"], self.others["aum"]]).rank()
        count, more = len(self.planted), len(self.others)
        return 1 - float(ranks[:count].sum() - count * (count + 1) / 2) / (count * more)


def plant(workspace: Workspace, dataset: Dataset, name: str, seed: int = 0) -> np.ndarray:
    """Store a copy of a dataset in which a share of the training labels is that of another class: their ids."""
    rng = np.random.default_rng(seed)
    labels, classes = np.array(dataset.train.labels), len(dataset.class_names)
    chosen = rng.choice(len(labels), round(SHARE * len(labels)), replace=False)
    labels[chosen] = (labels[chosen] + rng.integers(1, classes, len(chosen))) % classes
    save_dataset(
        workspace,
        name,
        replace(dataset.train, labels=labels),
        dataset.test,
        title="Planted",
        class_names=dataset.class_names,
        source="Made by the tests.",
    )
    return np.asarray(dataset.train.ids)[chosen]


def learn(workspace: Workspace, wrong: np.ndarray, settings: dict[str, object]) -> Found:
    """Train with these settings, and look how the pictures were learned."""
    run = train(workspace, create_run(workspace, make_config(settings)))
    kept = compute_and_keep(workspace, read_run(workspace, run.id), LEARNING, LearningParameters("train"))
    table = learning_of(kept)
    planted = table["id"].isin(wrong)
    return Found(table[planted], table[~planted])


def main(folder: str, epochs: int) -> None:
    """Print the figures."""
    workspace = open_workspace(folder)
    wrong = plant(workspace, open_dataset(workspace, "drawn10"), "planted")
    found = learn(workspace, wrong, {"dataset": "planted", "epochs": epochs})
    print(f"n = {len(found.planted):,} planted, {len(found.others):,} others, {epochs} epochs")
    print("forgotten or never learned: {:.1%} of the planted, {:.1%} of the others".format(*found.shares))
    print("never learned: {:.1%} of the planted, {:.1%} of the others".format(*found.never_learned))
    print(f"AUM tells them apart with an AUC of {found.auc:.4f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10)
