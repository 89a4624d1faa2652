"""The probabilities of one picture as bars, one for each class.

A chart of Plotly shows the same, but its 4.7 MB keep the first picture that a person opens waiting for seconds. The
bars are text beside a coloured strip, so a screen reader has every number. Text reaches the browser as data and is set
as `textContent`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from cifar_core.figures import ProbabilityBar

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.class_bars",
    html="<dl class='bars'></dl>",
    css=(_HERE / "class_bars.css").read_text("utf-8"),
    js=(_HERE / "class_bars.js").read_text("utf-8"),
)


def class_bars(bars: Sequence[ProbabilityBar], *, key: str) -> None:
    """Show the bars in the order given; of classes that are true or predicted the name is bold and says so."""
    _component(key=key, data={"bars": [asdict(bar) for bar in bars]})
