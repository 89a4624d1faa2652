"""Where a new training runs: this machine, or the cluster that `settings.json` names; the same on Train and Sweep.

The session and the URL hold the choice under the words of the command line: `backend`, `cpus`, `gpus`. Where no cluster
is named, nothing of it is shown.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import streamlit as st

from cifar_core.cluster.choice import MOST_CPUS, MOST_GPUS, offered_cluster
from cifar_core.errors import CifarCoreError, ConfigError
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.cluster.state import ClusterState, cluster_state
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.train.form_state import WHERE, note_wrong, noting
from pages.ui.url_state import UrlParameter, give, has_arrived, url_to_widgets, whole_number

_BACKEND_KEY, _CPUS_KEY, _GPUS_KEY = f"{WHERE}_backend", f"{WHERE}_cpus", f"{WHERE}_gpus"
_LOOK_SECONDS = 1.0  # between two looks for the first answer of the cluster,
_AGAIN_SECONDS = 5.0  # and later


@dataclass(frozen=True)
class Where:
    """What the form says of where to train."""

    offered: Place  # the cluster that may be chosen; this machine where there is none
    place: Place  # what is chosen
    parameters: Mapping[str, UrlParameter]  # for `write_url`, under `WHERE`
    problem: str = ""  # why nothing can start there, one sentence
    cluster: ClusterState | None = None  # that is chosen, as it was when this was read; None: no answer yet, or none is

    @property
    def blocks(self) -> bool:
        """Whether nothing can be started there now; nothing can either while the cluster has not answered."""
        return self.problem != "" or (self.place != LOCAL and self.cluster is None)


def read_where(workspace: Workspace) -> Where:
    """Follow the URL where it was changed from outside; return what is chosen, and whether it can be used."""
    try:
        offered, problem = offered_cluster(workspace), ""
    except CifarCoreError as error:
        offered, problem = LOCAL, str(error)
    if has_arrived():
        for key in (_BACKEND_KEY, _CPUS_KEY, _GPUS_KEY):  # those of the other page's widgets
            st.session_state.pop(key, None)
    wrong: list[str] = []
    parameters = {
        "backend": noting(_backend_parameter(offered), wrong),
        "cpus": whole_number(1, MOST_CPUS, 1),
        "gpus": whole_number(0, MOST_GPUS, 0),
    }
    url_to_widgets(WHERE, parameters)
    note_wrong(wrong)
    state = st.session_state
    if state[_BACKEND_KEY] == LOCAL.backend:
        for key, least in ((_CPUS_KEY, 1), (_GPUS_KEY, 0)):
            if state[key] != least:
                give(key, least)
        return Where(offered, LOCAL, parameters, problem)
    place = Place("ray", offered.address, state[_CPUS_KEY], state[_GPUS_KEY])
    found = cluster_state(workspace, place.address)
    return Where(offered, place, parameters, _refusal(found, place), found)


def where_address(offered: Place, place: Place) -> dict[str, str]:
    """Return what the URL of a form holds of a place, for a link to it; nothing of one that is not offered here."""
    if place.backend != "ray" or place.address != offered.address:
        return {}
    return {"backend": "ray", "cpus": str(max(1, place.cpus)), "gpus": str(place.gpus)}


def show_where(workspace: Workspace, where: Where) -> None:
    """Show the choice, in a row under that with Start, and how the chosen cluster is; nothing where none is offered."""
    if where.offered == LOCAL:
        if where.problem:
            st.error(escaped_sentence(where.problem), icon=":material/error:")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        st.segmented_control(
            "Where",
            [LOCAL.backend, where.offered.backend],
            key=_BACKEND_KEY,
            required=True,
            format_func=lambda backend: (
                "This machine" if backend == LOCAL.backend else f"Cluster {where.offered.address}"
            ),
            help="Where the network trains. On the cluster a run takes what it asks for there and no slot of this "
            "machine. Its curves and results come here all the same.",
        )
    if where.place != LOCAL:
        with row:
            _show_request(where)
        with nullcontext() if where.problem else row:  # a problem has the whole width
            _follow_cluster(workspace, where)


def _show_request(where: Where) -> None:
    """Show what a run asks for on the cluster."""
    nodes = where.cluster.facts.nodes if where.cluster and where.cluster.facts else ()
    st.number_input(
        "Processors",
        min_value=1,
        max_value=MOST_CPUS,
        key=_CPUS_KEY,
        width=120,
        help="How many processors of a node a run asks for, and so with how many threads it computes.",
    )
    if where.place.gpus or any(node.gpus for node in nodes):
        st.number_input(
            "GPUs", min_value=0, max_value=MOST_GPUS, key=_GPUS_KEY, width=110, help="How many GPUs a run asks for."
        )


def _follow_cluster(workspace: Workspace, where: Where) -> None:
    """Show how the chosen cluster is: a page that could not start anything there learns when it can."""

    def refresh() -> None:
        now = cluster_state(workspace, where.place.address)
        if now != where.cluster:  # also where the answer came while the page was drawn
            rerun_page()
        if now is None:
            st.caption(f":material/hourglass_top: Looking for {escaped(where.place.words)}…")
        elif where.problem:
            st.error(escaped_sentence(where.problem), title="Nothing can start there", icon=":material/cloud_off:")
        elif now.facts is not None:
            st.caption(f":material/lan: {_size_words(now)}")

    st.fragment(refresh, run_every=_LOOK_SECONDS if where.cluster is None else _AGAIN_SECONDS)()


def _size_words(state: ClusterState) -> str:
    assert state.facts is not None
    nodes = state.facts.nodes
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    more = f" and {counted(gpus, 'GPU')}" if gpus else ""
    size = f"{counted(len(nodes), 'node')} with {counted(cpus, 'processor')}{more}"
    return f"It has {size}. No time is promised there, for none was measured."


def _refusal(state: ClusterState | None, place: Place) -> str:
    """Return why a run that asks for this cannot be computed there; empty where it can, or nobody knows yet."""
    if state is None or state.facts is None:
        return state.problem if state else ""
    try:
        state.facts.require(place.cpus, place.gpus)
    except ConfigError as error:
        return " ".join(error.problems)
    return ""


def _backend_parameter(offered: Place) -> UrlParameter:
    def read(texts: list[str]) -> str:
        if texts[0] not in (LOCAL.backend, "ray"):
            raise ValueError(f"backend is {texts[0][:40]!r}, but must be local or ray here.")
        if texts[0] == "ray" and offered == LOCAL:
            raise ValueError("No cluster is offered here: `cluster` in settings.json of the workspace would name it.")
        return texts[0]

    return UrlParameter(LOCAL.backend, read, lambda value: [value])
