"""What test_new_score.py runs in its copy of the program: print, as JSON, each place where a score is seen.

`python new_score_looks.py WORKSPACE RUN SCORE`, in the folder of the program.
"""

import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from cifar_core.export import zip_bytes
from cifar_core.runs import open_run_dataset, read_predictions, read_run
from cifar_core.samples import SORTS, SampleFilter, prediction_table, select_samples, tile_caption
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace, open_workspace


def in_the_library(workspace: Workspace, run_id: str, score: str) -> dict[str, Any]:
    """The column, the filter, the sort, the caption and the CSV."""
    predictions = read_predictions(workspace, run_id)
    table = prediction_table(predictions)
    middle = (table[score].quantile(0.2), table[score].quantile(0.8))
    rows = select_samples(table, SampleFilter(outcome="all", ranges={score: middle}), score)
    split = open_run_dataset(workspace, read_run(workspace, run_id)).test
    content = zip_bytes(split, rows, predictions.probs, predictions.class_names, predictions.epoch)
    packed = zipfile.ZipFile(io.BytesIO(content))
    exported = pd.read_csv(packed.open("pictures.csv"))
    return {
        "labels": predictions.labels.tolist(),
        "probs": predictions.probs.tolist(),
        "column": table[score].tolist(),
        "filtered": rows[score].tolist(),
        "middle": middle,
        "sort": SORTS[score].help,
        "caption": tile_caption(rows.iloc[0], score),
        "csv": exported[score].tolist(),
        "ids": rows["id"].tolist(),
    }


def in_the_app(run_id: str, score: str, seen: dict[str, Any]) -> dict[str, Any]:
    """The slider, its key in the URL, the entry of the sorts, the tiles and the value of an open picture."""
    app = AppTest.from_file(str(Path("streamlit_app.py").resolve()), default_timeout=60).run()
    app.switch_page("pages/misclassified.py")
    low, high = seen["middle"]
    address = {"run": run_id, "outcome": "all", "sort": score, score: f"{low}~{high}", "image": seen["ids"][0]}
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    app.button(key="misclassified_fold").click().run()
    assert not app.exception, app.exception
    slider, sort = app.slider(key=f"misclassified_{score}"), app.button_group(key="misclassified_sort")
    given = [json.loads(item.proto.json) for item in app.get("bidi_component") if item.proto.json]
    grid = next(data for data in given if "keys" in data)
    return {
        "slider": [slider.label, slider.min, slider.max, slider.help],
        "sort": [sort.value, [option.content for option in sort.proto.options]],
        "tiles": grid["keys"],
        "caption": grid["captions"][0],
        "open": {
            title: value.strip("*").replace("\\", "")
            for title, _, value in (str(element.value).partition(" **") for element in app.markdown)
        },
    }


if __name__ == "__main__":
    root, run, name = sys.argv[1:]
    os.environ[WORKSPACE_VARIABLE] = root
    library = in_the_library(open_workspace(root), run, name)
    print(json.dumps({"library": library, "app": in_the_app(run, name, library)}))
