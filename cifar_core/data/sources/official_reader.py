"""Read the verified official files with `torchvision.datasets.CIFAR10`, the parent of its CIFAR100, as plain arrays.

`python -m cifar_core.data.sources.official_reader --root=FOLDER`: the only module of this layer that loads torch, so
`cifar10.py` runs it in a process of its own. Reads `FOLDER/files.json` and the batches; torchvision compares every MD5
once more. Writes `{train,test}_{images,labels}.npy` and `classes.json`.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets import CIFAR10

from cifar_core.data.array_files import write_array
from cifar_core.data.sources.cifar10 import DISK_REFUSED
from cifar_core.errors import StorageError
from cifar_core.storage.json_files import write_json


def reader_for(description: dict[str, Any]) -> type[CIFAR10]:
    """torchvision's reader for the files that an `OfficialFiles` (as JSON) describes."""
    file, md5 = description["meta"]
    return type(
        "Official",
        (CIFAR10,),
        {
            "base_folder": description["folder"],
            "train_list": description["train"],
            "test_list": description["test"],
            "meta": {"filename": file, "key": description["class_names"], "md5": md5},
        },
    )


def read(root: Path) -> None:
    """Read both parts and write them as uint8 [N, 3, 32, 32] and int64 [N]; StorageError where the disk refuses."""
    reader = reader_for(json.loads((root / "files.json").read_bytes()))
    for part in ("train", "test"):
        pictures = reader(str(root), train=part == "train", download=False)
        images = pictures.data.transpose(0, 3, 1, 2)  # [N, 3, 32, 32]
        write_array(root / f"{part}_images.npy", images, durable=False)
        write_array(root / f"{part}_labels.npy", np.array(pictures.targets, np.int64), durable=False)
        classes = list(pictures.classes)
    write_json(root / "classes.json", classes, durable=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    try:
        read(parser.parse_args().root)
    except StorageError as error:
        print(error, file=sys.stderr)
        sys.exit(DISK_REFUSED)
