"""Reads the verified official files with `torchvision.datasets.CIFAR10` and writes plain arrays beside them.

`python -m cifar_core.data.official --root=FOLDER`: the only module of this layer that loads torch, only ever run as a process
of its own by `cifar10.py`. Reads `FOLDER/files.json` and the batches; torchvision compares every MD5 once more. Writes
`{train,test}_{images,labels}.npy` and `classes.json`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets import CIFAR10


def reader_for(description: dict[str, Any]) -> type[CIFAR10]:
    """torchvision's reader, expecting the files of an `OfficialFiles` (as JSON); for CIFAR-10 these are its own."""
    file, md5 = description["meta"]
    return type(
        "Official",
        (CIFAR10,),
        {
            "base_folder": description["folder"],
            "train_list": description["train"],
            "test_list": description["test"],
            "meta": {"filename": file, "key": "label_names", "md5": md5},
        },
    )


def read(root: Path) -> None:
    """Read both parts and write them as uint8 [N, 3, 32, 32] and int64 [N]."""
    reader = reader_for(json.loads((root / "files.json").read_bytes()))
    for part in ("train", "test"):
        pictures = reader(str(root), train=part == "train", download=False)
        np.save(root / f"{part}_images.npy", pictures.data.transpose(0, 3, 1, 2))  # [N, 32, 32, 3] -> [N, 3, 32, 32]
        np.save(root / f"{part}_labels.npy", np.array(pictures.targets, np.int64))
        classes = list(pictures.classes)
    (root / "classes.json").write_text(json.dumps(classes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    read(parser.parse_args().root)
