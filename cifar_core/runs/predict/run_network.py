"""The networks of runs as torch modules that take uint8 pictures. Reads the run folder and writes nothing.

Code that computes with the weights of a run loads them here. Importing `cifar_core.runs` does not import this module,
because it needs torch.
"""

from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from cifar_core.config import ModelConfig, Precision
from cifar_core.data import decode_picture, usable_std
from cifar_core.errors import RunError
from cifar_core.models.network import create_model
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.hashed_tensors import read_hashed
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.predict.client import require_network
from cifar_core.runs.records import read_training_record, run_config
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.tensor_limits import most_weights
from cifar_core.train.device import computing_in, has_fast_bfloat16
from cifar_core.train.predict import config_with_views, probabilities
from cifar_core.workspace import Workspace


class RunNetwork(nn.Module):
    """A run's network after one epoch: pictures uint8 [N, 3, 32, 32] in, class probabilities float32 [N, K] out.

    It normalises the pictures as in training, and averages as many views of each as when the epoch was measured.
    """

    mean: torch.Tensor  # float32 [3, 1, 1], of pixels from 0 to 255
    std: torch.Tensor

    def __init__(self, folder: RunFolder, epoch: int) -> None:
        super().__init__()
        record, config = read_training_record(folder), run_config(folder)
        if record is None:
            raise RunError(f"Run {folder.run_id} has not opened its data yet.")
        self.class_names = record.dataset.class_names
        self.layers = read_network(folder, epoch, config.model, len(self.class_names))
        for name, values in (("mean", record.dataset.mean), ("std", usable_std(record.dataset.std))):
            self.register_buffer(name, torch.tensor(values).reshape(3, 1, 1) * 255)
        views = next((line.looks for line in read_lines(folder)[0] if line.epoch == epoch), None)
        self._grey_bits, self._fit = record.dataset.grey_bits, record.dataset.fit
        self._data = config_with_views(config.data, views)
        self._precision: Precision = record.precision if has_fast_bfloat16() else "float32"
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The probabilities: each row sums to 1, and the columns are in the order of `class_names`."""
        images = (pixels.float() - self.mean) / self.std
        with computing_in(self._precision, images.device):
            return probabilities(self.layers, images, self._data)

    def predict(self, file: str | Path) -> dict[str, float]:
        """The probability of each class, by name, for a picture file of any size and common format.

        Raises:
            DataError: the file is no picture that can be read.
            OSError: the file cannot be opened.
        """
        content = Path(file).read_bytes()
        picture = decode_picture(content, name=str(file), grey_bits=self._grey_bits, fit=self._fit)
        probs = self(torch.from_numpy(picture[None]))[0].tolist()
        return dict(zip(self.class_names, probs, strict=True))


def load_network(workspace: Workspace, run_id: str) -> RunNetwork:
    """The best network of a run, on the CPU and in evaluation mode.

    Args:
        workspace: where the run is.
        run_id: a run, or `latest`.

    Raises:
        RunError: no such run, it has no finished epoch yet, or its weights cannot be used.
    """
    run, epoch = require_network(workspace, run_id)
    return RunNetwork(run_folder(workspace, run.id), epoch)


def read_network(folder: RunFolder, epoch: int, model: ModelConfig, classes: int) -> nn.Sequential:
    """The network of these settings with a run's weights after an epoch; it maps normalised pictures to logits.

    Raises:
        DamagedError: the file of the weights is not as it was written.
    """
    net = create_model(model, classes)
    content, _ = read_hashed(as_stored(folder).weights(epoch), most_weights(model, classes), required=False)
    net.load_state_dict(safetensors.torch.load(content))
    return net
