"""The accuracy of each class over the epochs, on the test part: lines, and the table of the same numbers."""

import streamlit as st

from cifar_core.figures import class_lines, class_lines_table, class_lines_words
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.charts import with_readable_axes
from pages.ui.learning.choice import PAGE_KEY
from pages.ui.learning.loaded import load_class_accuracy
from pages.ui.wording import PERCENT_FORMAT, in_percent


def show_classes(workspace: Workspace, run: Run) -> None:
    """Show the lines, and the table in a fold; one epoch makes no line."""
    accuracies = load_class_accuracy(workspace, run)
    if accuracies["epoch"].nunique() < 2:
        return
    st.subheader("Each class over the epochs", anchor=False)
    test = run.dataset.test if run.dataset else 0
    st.caption(f"Accuracy on the test pictures of each class after each epoch, n = {test:,}")
    words = class_lines_words(accuracies)
    st.plotly_chart(
        with_readable_axes(class_lines(accuracies)),
        key=f"{PAGE_KEY}_class_lines",
        alt=words,
        config={"displayModeBar": False},
    )
    with st.expander("The numbers of each class", icon=":material/table:"):
        table = class_lines_table(accuracies)
        epochs = [str(name) for name in table if name not in ("class", "n")]
        st.dataframe(
            in_percent(table, epochs).rename(columns={"class": "Class"}),
            hide_index=True,
            alt=words,
            column_config={
                name: st.column_config.NumberColumn(f"Epoch {name}", format=PERCENT_FORMAT) for name in epochs
            },
        )
