"""What a training process keeps of its dataset for the next run: that it is unchanged, its hashes, and its pictures."""

import torch

from cifar_core.config import RunConfig
from cifar_core.data import Dataset, file_stamps, hash_of_pictures, require_unchanged
from cifar_core.runs.sample_files import hash_of_samples
from cifar_core.train.batches import TrainingData, load_training_data
from cifar_core.train.splits import SplitRule


class KeptData:
    """Of the latest dataset, for as long as its files are the same; a process of one run begins with an empty one."""

    def __init__(self) -> None:
        self._stamps: tuple[object, ...] | None = None
        self._hashes = ("", "")
        self._data: TrainingData | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no run has used it yet."""
        return self._data is None

    def check(self, dataset: Dataset) -> None:
        """Check that a dataset has the fingerprint it was saved with; DataError where it has not."""
        stamps = file_stamps(dataset)  # taken before reading: a file that changes meanwhile has another the next time
        if stamps is not None and stamps == self._stamps:
            return
        self._stamps = self._data = None
        require_unchanged(dataset)
        ids = hash_of_samples(dataset.test.labels, [dataset.test.ids])
        self._stamps, self._hashes = stamps, (ids, hash_of_pictures(dataset.test))

    @property
    def hashes(self) -> tuple[str, str]:
        """`hash_of_samples` and `hash_of_pictures` of the test part of the dataset that was checked last."""
        return self._hashes

    def load(self, dataset: Dataset, config: RunConfig, device: torch.device, rule: SplitRule) -> TrainingData:
        """The pictures of a run on the dataset that was checked last; DataError where its parts would be empty."""
        self._data = load_training_data(dataset, config.data, config.machine.seed, device, rule, before=self._data)
        return self._data
