"""What Streamlit's frontend keeps of one connection: a state that the server's messages change. It sends nothing."""

from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.soak.screen import Screen, addresses_of, body_of

_TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value")  # said once, not kept
_FULL_RUN = ForwardMsg.FINISHED_SUCCESSFULLY
_FRAGMENT_RUN = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


class ProtocolError(Exception):
    """The server sent something that makes no sense."""


@dataclass
class Frontend:
    """One connection; another one after the server was away is another session."""

    query: str = ""  # of the page's address
    session: str = ""
    page: str = ""  # hash of the page whose script ran last
    shown: str = ""  # of the one that was drawn to its end
    runs_begun: int = 0  # of the whole page, not of a fragment
    runs_done: int = 0  # the number of the last one that came to its end
    pages: dict[str, str] = field(default_factory=dict)  # address -> hash
    values: dict[str, WidgetState] = field(default_factory=dict)  # what was chosen, until the server says otherwise
    ticks: dict[str, float] = field(default_factory=dict)  # fragment -> seconds after which it is to look again
    responses: dict[str, Any] = field(default_factory=dict)  # by request: answers that are no script runs
    addresses: list[str] = field(default_factory=list)  # that a browser would ask for now
    screen: Screen = field(default_factory=Screen)
    _cached: dict[str, tuple[int, ForwardMsg]] = field(default_factory=dict)  # hash -> run that used it, message
    _cache_age: int = 2  # runs after which a message is forgotten

    def receive(self, message: ForwardMsg) -> None:
        """Do what the frontend does with a message.

        Raises:
            ProtocolError: it names an earlier message that was never sent.
        """
        message = self._whole(message)
        match message.WhichOneof("type"):
            case "new_session":
                self.screen.begin(message.metadata.run.script_run_id)
                if not message.metadata.run.fragment_ids:
                    self._begin_page(message.new_session)
            case "delta":
                self._draw(message)
            case "script_finished":
                self._end_run(message)
            case "auto_rerun":
                self.ticks[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            case "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self.ticks.pop(fragment, None)
            case _:
                self._note(message)

    def rerun_message(
        self, states: tuple[WidgetState, ...] = (), page: str | None = None, fragment: str = ""
    ) -> BackMsg:
        """The message that asks for a script run, with all that was chosen.

        Args:
            states: of widgets that were used just now.
            page: hash of another page to go to; None stays, "" is for the address that was typed in.
            fragment: id of the one that looks again by itself; "" runs the whole page.
        """
        if page:  # what was chosen is of the page that is left
            self.ticks.clear()
            self.values.clear()
            self.query = ""
        kept = {state.id: state for state in states if state.WhichOneof("value") not in _TRIGGERS}
        self.values |= kept
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash = self.query, self.page if page is None else page
        run.fragment_id, run.is_auto_rerun = fragment, bool(fragment)
        run.widget_states.widgets.extend([*self.values.values(), *(state for state in states if state.id not in kept)])
        run.cached_message_hashes.extend(self._cached)
        return message

    def option_of(self, group: Any) -> str:
        """What is chosen in a group of buttons; "" for nothing."""
        if group.id in self.values:
            return next(iter(self.values[group.id].string_array_value.data), "")
        first = list(group.raw_values) if group.set_value else [group.options[index].content for index in group.default]
        return str(next(iter(first), ""))

    def _whole(self, message: ForwardMsg) -> ForwardMsg:
        """A message, also where the server only names an earlier one; those that may be named later are kept."""
        if message.WhichOneof("type") != "ref_hash":
            if message.metadata.cacheable and message.hash:
                self._cached[message.hash] = (self.runs_begun, message)
            return message
        if message.ref_hash not in self._cached:
            raise ProtocolError("the server named a message that is not here")
        known = self._cached[message.ref_hash][1]
        self._cached[message.ref_hash] = (self.runs_begun, known)
        whole = ForwardMsg()
        whole.CopyFrom(known)
        whole.metadata.CopyFrom(message.metadata)  # the same thing, in another place
        return whole

    def _begin_page(self, begun: NewSession) -> None:
        self.session, self.page = begun.initialize.session_id, begun.page_script_hash
        self._cache_age = begun.config.max_cached_message_age
        self.runs_begun += 1
        self.ticks.clear()  # each fragment says anew when it is to look again

    def _draw(self, message: ForwardMsg) -> None:
        element = self.screen.draw(message)
        if element is None or not element.WhichOneof("type"):
            return
        self.addresses += addresses_of(element)
        widget = body_of(element)
        if getattr(widget, "set_value", False):  # the page chose otherwise
            self.values.pop(widget.id, None)

    def _end_run(self, message: ForwardMsg) -> None:
        run, status = message.metadata.run, message.script_finished
        if status not in (_FULL_RUN, _FRAGMENT_RUN):
            return  # another one follows
        if not run.fragment_ids and run.script_run_id != self.screen.run:
            return  # it ended in favour of the one that draws now
        self.screen.finish(run.script_run_id, run.fragment_ids)
        if status == _FULL_RUN:
            self.runs_done, self.shown = self.runs_begun, self.page
            self.values = {name: state for name, state in self.values.items() if name in self.screen.ids}
            self._cached = {
                name: known for name, known in self._cached.items() if self.runs_begun - known[0] <= self._cache_age
            }

    def _note(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "navigation":
                self.pages = {
                    "" if page.is_default else page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
                self.page = message.navigation.page_script_hash  # the address that was typed in has none
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "file_urls_response":
                self.responses[message.file_urls_response.response_id] = message.file_urls_response
            case "backend_operation_response":
                self.responses[message.backend_operation_response.request_id] = message.backend_operation_response


def chosen(group: Any, option: str) -> WidgetState:
    """A group of buttons with one of its options pressed."""
    state = WidgetState(id=group.id)
    state.string_array_value.data.append(option)
    return state
