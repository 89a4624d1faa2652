"""The form of a new sweep: a search over several settings, or the effect of one; below, the settings that stay.

The settings are the draft of the Train page: what is set there is where a sweep begins, and the other way round.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.config import changed_settings
from cifar_core.data import DatasetState, list_datasets
from cifar_core.runs import Run, read_speed
from cifar_core.sweeps.plan import SweepOptions
from cifar_core.workspace import Workspace
from pages.ui.class_room.lesson_link import show_lesson
from pages.ui.cluster.where import Where, read_where, show_where
from pages.ui.sweep.effect_form import (
    EFFECT,
    effect_options,
    effect_parameters,
    effect_space,
    show_effect,
    values_line,
)
from pages.ui.sweep.plan_form import (
    SEARCH,
    chosen_options,
    is_grid,
    show_amounts,
    show_search,
    show_start,
    sweep_parameters,
)
from pages.ui.sweep.planning import Draft, draft_of, show_problems, show_time, start_drafted
from pages.ui.sweep.space_form import show_space, space_parameter
from pages.ui.train.form_state import (
    BASE,
    FORM,
    WHERE,
    chosen_preset,
    keep_settings,
    note_wrong,
    noting,
    read_form,
    show_notice,
)
from pages.ui.train.preset_picker import earlier_runs, show_origin, show_presets
from pages.ui.train.settings_form import show_dataset_and_epochs, show_setting_groups
from pages.ui.url_state import UrlParameter, url_to_widgets, write_url

FORM_KEYS = (BASE, FORM, WHERE, SEARCH, EFFECT)  # prefixes of the keys
Address = dict[str, Mapping[str, UrlParameter]]  # prefix of the widget keys -> what the URL holds of them


@dataclass(frozen=True)
class _Basis:
    """What the sweep begins with."""

    workspace: Workspace
    runs: list[Run]
    datasets: list[DatasetState]
    settings: dict[str, Any]
    own: int  # validation pictures of its own that the dataset has
    changed: list[str]  # names of the settings that are not as the preset has them
    where: Where  # its runs are computed

    def draft(self, space: list[str], options: SweepOptions) -> Draft:
        """Return the plan of these, or why there is none."""
        if self.where.blocks:  # which `show_where` says
            return Draft(None)
        options = replace(options, place=self.where.place)
        return draft_of(self.workspace, self.settings, self.changed, space, options, self.datasets)


def show_new_sweep(
    workspace: Workspace, runs: list[Run], address: Address, clicked: str | None, *, effect: bool
) -> None:
    """Show the form, what it asks for in runs and time, and start the sweep where Start was clicked.

    Args:
        workspace: where.
        runs: the workspace's runs.
        address: what the URL holds beside the form.
        clicked: the nonce of a click on Start.
        effect: whether it is the effect of one setting.
    """
    datasets = list_datasets(workspace)
    form = read_form(set(earlier_runs(runs)), {state.name for state in datasets}, more={})
    settings = keep_settings()
    own = next((state.validation for state in datasets if state.name == settings["dataset"]), 0)
    changed = changed_settings(settings, chosen_preset(), own)
    where = read_where(workspace)
    basis = _Basis(workspace, runs, datasets, settings, own, changed, where)
    show_lesson(workspace)
    first_row = st.container(horizontal=True, vertical_alignment="bottom")
    below = st.container()
    parameters, draft = (_show_effect_form if effect else _show_search_form)(basis, first_row)
    with below:
        show_where(workspace, where)
        show_notice()
        show_time(workspace, draft, runs)
        show_problems(draft)
        start_drafted(workspace, draft, clicked)
    hidden = SEARCH if effect else EFFECT
    write_url(address | form | {WHERE: where.parameters, EFFECT if effect else SEARCH: parameters}, hidden=(hidden,))


def _show_search_form(basis: _Basis, first_row: DeltaGenerator) -> tuple[Mapping[str, UrlParameter], Draft]:
    """Show amounts and Start in the row; below the settings to vary, beside the settings that stay."""
    first = _start_points(basis)
    wrong: list[str] = []
    space_of_url = noting(space_parameter(basis.settings), wrong)
    parameters = {**sweep_parameters([run.id for run in first]), "set": space_of_url}
    url_to_widgets(SEARCH, parameters)
    note_wrong(wrong)
    with st.grid(2, min_column_width=380, gap="medium") as grid:
        with grid.cell():
            space = show_space(basis.settings, basis.own, listed=is_grid())
            with st.container(horizontal=True, vertical_alignment="bottom"):
                show_search(first)
        with grid.cell():
            _show_presets(basis)
            _show_groups(basis)
    draft = basis.draft(space, chosen_options())
    with first_row:
        show_dataset_and_epochs(basis.settings, basis.datasets)
        show_amounts()
        show_start(blocked=draft.plan is None)
    return parameters, draft


def _show_effect_form(basis: _Basis, first_row: DeltaGenerator) -> tuple[Mapping[str, UrlParameter], Draft]:
    """Show the setting, its values and Start in the row; below the settings that stay."""
    parameters = effect_parameters(basis.settings, basis.own)
    with first_row:
        show_effect(basis.settings, basis.own)
        space = effect_space(basis.settings)
        draft = basis.draft([space], effect_options(space))
        show_start(blocked=draft.plan is None)
    with st.grid(2, min_column_width=380, gap="medium") as grid:
        with grid.cell():
            with st.container(horizontal=True, vertical_alignment="bottom"):
                show_dataset_and_epochs(basis.settings, basis.datasets)
            _show_presets(basis)
        with grid.cell():
            _show_groups(basis)
    return parameters, replace(draft, words=values_line(space))


def _start_points(basis: _Basis) -> list[Run]:
    """Return the runs whose settings may be tried first: a person's own on the dataset."""
    runs = earlier_runs(basis.runs).values()
    return [run for run in runs if run.config.data.dataset == basis.settings["dataset"] and not run.sweep]


def _show_presets(basis: _Basis) -> None:
    show_presets(basis.settings["dataset"], basis.runs, basis.datasets, read_speed(basis.workspace))
    show_origin(basis.changed, basis.runs)


def _show_groups(basis: _Basis) -> None:
    st.caption("The settings that stay, and where the varied ones begin:")
    show_setting_groups(basis.settings, basis.own, basis.changed)
