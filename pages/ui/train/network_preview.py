"""A preview of what the chosen settings would train: their checks, the layers, augmented pictures, what validates."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.config import RunConfig, make_config, require_validation
from cifar_core.data import DatasetState, augment, draw_variation, read_warnings
from cifar_core.devices import missing_devices
from cifar_core.errors import ConfigError, DataError
from cifar_core.models import layer_table, totals
from cifar_core.runs import without_validation
from cifar_core.text import counted
from cifar_core.train import set_aside
from cifar_core.workspace import Workspace
from pages.ui.caches import find_unvalidated, load_dataset
from pages.ui.components.images import enlarged
from pages.ui.error_messages import show_errors, show_warnings
from pages.ui.markdown import escaped_sentence

AUGMENTED_PICTURES = 6  # shown in a row
DEFAULT_CLASSES = 10  # of drawn10 and cifar10, before their files are here


def check_settings(settings: Mapping[str, Any], datasets: list[DatasetState]) -> tuple[RunConfig | None, list[str]]:
    """Return the checked settings, and a sentence for each problem that prevents a start."""
    try:
        config = make_config(settings)
    except ConfigError as error:
        return None, error.problems
    states = {state.name: state for state in datasets}
    state = states.get(config.data.dataset)
    try:
        require_validation(config, state.validation if state else 0)
    except ConfigError as error:
        return config, error.problems
    absent = missing_devices().get(config.machine.device)
    if absent:
        return config, [
            f"device is {config.machine.device}, but it is not on this machine: {absent}. Choose auto or cpu."
        ]
    if state is None:
        return config, [f"There is no dataset {config.data.dataset} here: import it on the Data page."]
    here = state.state == "ready" or state.name == "drawn10"  # the worker draws drawn10 by itself
    return config, [] if here else [f"{state.name} is not ready ({state.state}): {state.problem or state.how}"]


def is_ready(name: str, datasets: list[DatasetState]) -> bool:
    """Return whether a dataset can be opened."""
    return any(state.name == name and state.state == "ready" for state in datasets)


def show_data_notes(workspace: Workspace, config: RunConfig, datasets: list[DatasetState]) -> None:
    """Show what makes the numbers of such a run less sure: duplicates, and validation pictures that are missing."""
    state = {state.name: state for state in datasets}.get(config.data.dataset)
    notes = [set_aside(config.data, state.validation if state else 0)]
    if state is not None and state.state == "ready":
        show_warnings(
            read_warnings(workspace, state.name, state.fingerprint, state.test, state.validation) or [],
        )
        with contextlib.suppress(DataError):  # the start says it
            notes.append(without_validation(find_unvalidated(workspace, config)))
    for note in filter(None, notes):
        st.caption(f":material/info: {escaped_sentence(note)}")


def show_network(config: RunConfig, datasets: list[DatasetState]) -> None:
    """Show the size of the network that will be trained, and its layers to unfold."""
    classes = {state.name: state.classes for state in datasets}.get(config.data.dataset) or DEFAULT_CLASSES
    with show_errors():
        layers = layer_table(config.model, classes)
        total = totals(layers)
        st.markdown(
            f"**What will be trained**: {total.parameters:,} parameters, "
            f"{total.flops / 1e6:,.1f} MFLOPs for each picture (forward)"
        )
        rows = [
            (layer.name, layer.kind, " × ".join(map(str, layer.shape)), layer.parameters, layer.flops)
            for layer in layers
        ]
        with st.expander(counted(len(layers), "layer"), icon=":material/layers:"):
            st.dataframe(
                pd.DataFrame(rows, columns=["layer", "kind", "output", "parameters", "FLOPs"]),
                hide_index=True,
                height="content",
                alt="Layers with output shape, parameters and FLOPs, first to last",
                column_config={
                    name: st.column_config.NumberColumn(format="localized") for name in ("parameters", "FLOPs")
                },
            )


def show_augmented_pictures(workspace: Workspace, config: RunConfig) -> None:
    """Show some training pictures as the augmentation varies them, so that a wrong setting is seen before the start."""
    images = load_dataset(workspace, config.data.dataset).train.images
    # The pictures are evenly spread, because imported ones are sorted by class.
    pictures = images[np.linspace(0, len(images) - 1, AUGMENTED_PICTURES).astype(int)]
    variation = draw_variation(config.data, len(pictures), np.random.default_rng(config.machine.seed))
    st.markdown("**What the network will see**: training pictures, varied as chosen")
    with st.container(horizontal=True, gap="xsmall"):
        for picture in augment(np.asarray(pictures), variation):
            st.image(enlarged(picture, 2), alt="a training picture, varied", output_format="PNG")
