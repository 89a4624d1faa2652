"""What a person has set in the form of a new run: kept in the session and in the URL, which can be sent.

The URL has the preset, what differs from it, the name, and the run whose settings were taken. The session has the same
under `train_base_NAME` (those of the start) and `train_form_NAME` (a setting each); the widgets copy the settings, so
that no setting is lost where its widget is not drawn.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from cifar_core.config import RunConfig, make_config, nearest_preset, spec_of
from cifar_core.presets import PRESETS
from cifar_core.runs.run import MAX_LESSON, MAX_RUN_NAME
from cifar_core.spec import parse_settings
from cifar_core.text import did_you_mean
from pages.ui.markdown import escaped_sentence
from pages.ui.url_state import UrlParameter, forget_widgets, free_text, give, has_arrived, url_to_widgets

BASE, FORM, WHERE, LESSON = "train_base", "train_form", "where", "train_class"  # prefixes of the keys
PRESET_KEY = f"{BASE}_preset"
PARENT_KEY = f"{BASE}_parent"  # id of the run whose settings were taken, until a preset replaces them
NAME_KEY = f"{BASE}_name"
LESSON_KEY = f"{LESSON}_lesson"  # the lesson of a class whose link opened the page; no widget has it
NAME_PARAMETER = {"name": free_text(MAX_RUN_NAME)}
# Of both views, so that who reloads a watched run stays in the lesson; Train and Sweep share it, as they do the draft.
LESSON_PARAMETER = {"lesson": free_text(MAX_LESSON)}
_NOTICE_KEY = f"{FORM}_notice"  # session: what the URL says wrong, and the settings beside which that is shown
_WIDGET = "train_set_"  # prefix of the keys of the widgets
_NAMED_KEY = f"{BASE}_named"  # session: a run was just started under the name
_DRAWN_KEY = f"{FORM}_drawn"  # session: the settings that the widgets say


def read_form(
    runs: Collection[str], datasets: Collection[str], more: Mapping[str, UrlParameter] = NAME_PARAMETER
) -> dict[str, Mapping[str, UrlParameter]]:
    """Follow the URL where it was changed from outside; returns the parameters, for `url_state.write_url`.

    Args:
        runs: ids of the runs whose settings can be taken.
        datasets: names of the datasets that there are.
        more: what the URL holds beside the settings: a name. The Sweep page, which shares the draft, has its own.
    """
    if has_arrived():
        _forget_form_of_another_page()
    wrong: list[str] = []
    base = {
        "preset": noting(_preset_parameter(), wrong),
        "parent": noting(_run_parameter(runs), wrong),
        **more,
    }
    url_to_widgets(BASE, base)
    if st.session_state.pop(_NAMED_KEY, False):
        st.session_state[NAME_KEY] = ""
    form = {
        name: noting(_setting_parameter(name, default, datasets), wrong)
        for name, default in make_config(preset=chosen_preset()).flat().items()
    }
    url_to_widgets(FORM, form)
    _let_widgets_follow({name: st.session_state[f"{FORM}_{name}"] for name in form})
    note_wrong(wrong)
    return {BASE: base, FORM: form}


def note_wrong(wrong: Sequence[str]) -> None:
    """Let `show_notice` say what the URL says wrong, a sentence each; nothing where nothing is."""
    if wrong:
        words = f"The address of this page: {' '.join(wrong)} The default is used."
        st.session_state[_NOTICE_KEY] = words, current_settings()


def _forget_form_of_another_page() -> None:
    """Let the URL alone say what the widgets are: on another page, those of the same keys are other ones."""
    drawn = [key for key in map(str, st.session_state) if key.startswith(_WIDGET)]
    for key in (*drawn, PRESET_KEY, PARENT_KEY, NAME_KEY):
        st.session_state.pop(key, None)


def show_notice() -> None:
    """Show what the URL said wrong, until a person changes a setting."""
    words, beside = st.session_state.get(_NOTICE_KEY, ("", {}))
    if words and beside == current_settings():
        st.warning(escaped_sentence(words), icon=":material/link_off:")


def chosen_preset() -> str:
    return str(st.session_state.get(PRESET_KEY, "default"))


def current_settings() -> dict[str, Any]:
    """Return setting -> value as the person has set it, not yet checked: as its widgets say, else as it was kept."""
    state, settings = st.session_state, {}
    for name, default in make_config(preset=chosen_preset()).flat().items():
        fields = number_fields(name, default)
        parts = [state[key] for key, _ in fields if state.get(key) is not None]
        kept = state.get(f"{FORM}_{name}", default)
        settings[name] = kept if len(parts) < len(fields) else parts if isinstance(default, list) else parts[0]
    return settings


def keep_settings() -> dict[str, Any]:
    """Keep what the widgets say, and return it as `current_settings` does."""
    settings = current_settings()
    st.session_state[_DRAWN_KEY] = settings
    for name, value in settings.items():
        st.session_state[f"{FORM}_{name}"] = value
    return dict(settings)


def forget_name() -> None:
    """Let the next run that is started have no name; the text field shows it when it is drawn next."""
    st.session_state[_NAMED_KEY] = True


def load_preset(preset: str) -> None:
    """Set every setting as the preset has it, except for the dataset, which is chosen beside it; for a callback."""
    settings = make_config(preset=preset).flat() | {"dataset": current_settings()["dataset"]}
    give(PRESET_KEY, preset)
    give(PARENT_KEY, None)
    _load(settings)


def load_run(run_id: str, config: RunConfig, own: int) -> None:
    """Set every setting as an earlier run has it, beside the nearest preset; for a callback.

    Args:
        run_id: of the run.
        config: its settings.
        own: how many validation pictures of its own its dataset has.
    """
    give(PRESET_KEY, nearest_preset(config.flat(), own))
    give(PARENT_KEY, run_id)
    _load(config.flat())


def open_form(run_id: str, config: RunConfig, own: int, more: Mapping[str, str]) -> None:
    """Go to the form with the settings of an earlier run.

    Args:
        run_id: of the run.
        config: its settings.
        own: how many validation pictures of its own its dataset has.
        more: what the URL of the form is to hold beside the settings.
    """
    preset = nearest_preset(config.flat(), own)
    default = make_config(preset=preset).flat()
    changed = {name: _text(value) for name, value in config.flat().items() if value != default[name]}
    _open_form({"run": run_id, "preset": preset, "parent": run_id, **changed, **more})


def form_address() -> dict[str, str]:
    """Return what the URL holds of the settings as the person has them now, for a link to another page's form."""
    default = make_config(preset=chosen_preset()).flat()
    changed = {name: _text(value) for name, value in current_settings().items() if value != default[name]}
    return {**({"preset": chosen_preset()} if chosen_preset() != "default" else {}), **changed}


def current_lesson() -> str:
    """Return the lesson whose link opened the form of a new run; empty for most."""
    return str(st.session_state.get(LESSON_KEY, "")).strip()


def lesson_address() -> dict[str, str]:
    """Return what a link to a form must hold so that who follows it stays in the lesson."""
    return {"lesson": lesson} if (lesson := current_lesson()) else {}


def open_form_with_dataset(name: str) -> None:
    """Go to the form with the defaults and a dataset; an earlier draft is forgotten."""
    _open_form({"dataset": name})


def _open_form(address: Mapping[str, str]) -> None:
    """Go to the form as it is where this link is opened anew; who is in a lesson stays in it."""
    lesson = lesson_address()
    for page in (BASE, FORM, WHERE, LESSON):
        forget_widgets(page)
    st.switch_page("pages/train.py", query_params={"view": "New run", **lesson, **address})


def number_fields(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return the number fields of a setting as (widget key, value); an `ints` has one for each of its numbers."""
    if isinstance(value, list | tuple):
        return [(f"{_WIDGET}{name}_{position}", part) for position, part in enumerate(value)]
    return [(f"{_WIDGET}{name}", value)]


def _load(settings: Mapping[str, Any]) -> None:
    st.session_state[_DRAWN_KEY] = {}  # so that every widget follows
    for name, value in settings.items():
        st.session_state[f"{FORM}_{name}"] = value


def _let_widgets_follow(settings: Mapping[str, Any]) -> None:
    """Forget what the widgets say of settings that something else has changed: each is drawn with the new value."""
    drawn = st.session_state.get(_DRAWN_KEY, {})
    for name, value in settings.items():
        if drawn.get(name) != value:
            for key, _ in number_fields(name, value):
                st.session_state.pop(key, None)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case list() | tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def _setting_parameter(name: str, default: Any, datasets: Collection[str]) -> UrlParameter:
    def read(texts: list[str]) -> Any:
        found, problems = parse_settings({name: texts[0]}, {name: spec_of(name)})
        if problems:
            raise ValueError(problems[0])
        if name == "dataset" and found[name] not in datasets:
            raise ValueError(f"There is no dataset {found[name]} here.")
        return list(found[name]) if isinstance(found[name], tuple) else found[name]

    return UrlParameter(default, read, lambda value: [_text(value)])


def _preset_parameter() -> UrlParameter:
    def read(texts: list[str]) -> str:
        if texts[0] not in PRESETS:
            raise ValueError(f"There is no preset {texts[0]!r}{did_you_mean(texts[0], PRESETS)}.")
        return texts[0]

    return UrlParameter("default", read, lambda value: [value])


def _run_parameter(runs: Collection[str]) -> UrlParameter:
    def read(texts: list[str]) -> str:
        if texts[0] not in runs:
            raise ValueError(f"There is no run {texts[0]!r} here whose settings could be taken.")
        return texts[0]

    return UrlParameter(None, read, lambda value: [] if value is None else [value])


def noting(parameter: UrlParameter, wrong: list[str]) -> UrlParameter:
    """The same parameter, which puts what is wrong with a text into `wrong`."""

    def read(texts: list[str]) -> Any:
        try:
            return parameter.read(texts)
        except ValueError as error:
            wrong.append(str(error))
            raise

    return UrlParameter(parameter.default, read, parameter.write)
