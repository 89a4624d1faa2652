"""What a session shows: the elements of Streamlit's messages by their place, kept as the frontend keeps them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

Path = tuple[int, ...]


@dataclass(frozen=True)
class _Node:
    element: Element | None  # None for a container
    run: str  # the script run that drew it last
    fragment: str  # "" outside a fragment


class Screen:
    """The elements on the page; what a finished run did not draw again is gone."""

    def __init__(self) -> None:
        self._nodes: dict[Path, _Node] = {}
        self.run = ""  # id of the script run that draws

    def begin(self, run: str) -> None:
        """A script run has begun: what is drawn from now on is drawn by it."""
        self.run = run

    def draw(self, message: ForwardMsg) -> Element | None:
        """Put what a delta brings in its place; the element, where it brings one."""
        path, delta = tuple(message.metadata.delta_path), message.delta
        if delta.WhichOneof("type") == "add_block":
            self._nodes[path] = _Node(None, self.run, delta.fragment_id)
            return None
        if delta.WhichOneof("type") != "new_element":
            return None  # passing things, such as a spinner
        element = delta.new_element
        for below in [other for other in self._nodes if other[: len(path)] == path]:
            del self._nodes[below]  # an element where a container was
        self._nodes[path] = _Node(element, self.run, delta.fragment_id)
        return element

    def finish(self, run: str, fragments: Collection[str]) -> None:
        """A script run has ended: forget what it did not draw, of its fragments or of the page.

        Args:
            run: its id.
            fragments: ids of the fragments that it was of; none where it was of the whole page.
        """
        self._nodes = {
            path: node
            for path, node in self._nodes.items()
            if node.run == run or (fragments and node.fragment not in fragments)
        }

    def find(self, kind: str, wanted: Callable[[Any], bool] = lambda widget: True) -> Any | None:
        """The first element of a kind, in the order of the page, that is as wanted."""
        return next((widget for widget in self.all(kind) if wanted(widget)), None)

    def all(self, kind: str) -> list[Any]:
        """Every element of a kind (a field of Streamlit's `Element`), in the order of the page."""
        elements = (self._nodes[path].element for path in sorted(self._nodes))
        return [getattr(element, kind) for element in elements if element is not None and kind_of(element) == kind]

    @property
    def title(self) -> str:
        """The page's heading; "" before there is one."""
        heading = self.find("heading", lambda heading: heading.tag == "h1")
        return str(heading.body) if heading is not None else ""

    @property
    def texts(self) -> list[str]:
        """Everything that is said in Markdown."""
        return [str(markdown.body) for markdown in self.all("markdown")]

    @property
    def ids(self) -> set[str]:
        """Of all widgets."""
        elements = (node.element for node in self._nodes.values() if node.element is not None)
        return {widget.id for element in elements if hasattr(widget := body_of(element), "id")}


def kind_of(element: Element) -> str:
    """Which field of `Element` it is."""
    return str(element.WhichOneof("type"))


def body_of(element: Element) -> Any:
    """The widget or text that an element is."""
    return getattr(element, kind_of(element))


def addresses_of(element: Element) -> list[str]:
    """What a browser asks the server for when it draws an element: pictures, and whether a download is there."""
    kind = kind_of(element)
    if kind == "imgs":
        urls = [image.url for image in element.imgs.imgs]
    else:
        urls = [element.download_button.url] if kind == "download_button" else []
    return [url for url in urls if url.startswith("/media/")]
