"""A visitor of the soak without a browser: it exchanges with the server what a browser on another machine would."""

import re
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.soak.frontend import chosen
from tests.soak.protocol_client import Answer, Session, SessionError
from tests.soak.screen import Screen
from tests.soak.visitor import DOWNLOADS, TITLES, Crowd, Event, Visitor

OWN = "Your own pictures"  # a choice on the Picture page


class ProtocolVisitor(Visitor):
    """A session over Streamlit's own protocol."""

    in_browser = False
    faults = (SessionError,)

    def __init__(self, crowd: Crowd, number: int) -> None:
        super().__init__(crowd, number)
        self.session = Session(crowd.options.url)

    async def _load(self, path: str) -> None:
        await self.session.open(path, f"run={self._crowd.options.run}")

    async def _available(self, names: tuple[str, ...]) -> list[str]:
        groups = {name: self._group_with(name) for name in names}
        return [name for name, group in groups.items() if group and self.session.option_of(group) != name]

    async def _choose(self, name: str) -> Event:
        return self._event(await self.session.act(chosen(self._group_with(name), name)))

    async def _follow(self, path: str) -> Event:
        return self._event(await self.session.go(path))

    def _event(self, answer: Answer) -> Event:
        if self.session.screen.title != TITLES[self._at]:
            raise SessionError(f"'{self.session.screen.title}' instead of '{TITLES[self._at]}'")
        return {"page": self._at, "milliseconds": answer.whole, "server_milliseconds": answer.server}

    def _group_with(self, option: str) -> Any | None:
        """The buttons that an option is one of."""
        return self.session.screen.find(
            "button_group", lambda group: option in [item.content for item in group.options]
        )

    async def _be_at(self, path: str, kind: str, label: re.Pattern[str]) -> Any:
        """Be on a page of the run that has results (the one in focus may have none yet); the widget needed there."""

        def look(screen: Screen) -> Any | None:
            return screen.find(kind, lambda widget: label.search(widget.label) is not None)

        if self._at != path:
            await self._go(path)
        if not look(self.session.screen):
            await self._load(path)
        return await self.session.shows(look)

    async def _predict(self, name: str, picture: bytes) -> None:
        await self._be_at("picture", "button_group", re.compile("^Pictures$"))
        if own := next(iter(await self._available((OWN,))), None):
            await self._choose(own)
        field = await self._be_at("picture", "file_uploader", re.compile("^Pictures$"))
        await self.session.act(await self.session.upload(field, name, picture, "image/png"))
        title = f"{name} · uploaded"
        await self.session.shows(lambda screen: any(title in text.replace("\\", "") for text in screen.texts))
        remove = await self._be_at("picture", "button", re.compile("^Remove all$"))
        await self.session.act(WidgetState(id=remove.id, trigger_value=True))

    async def _import(self, name: str, archive: bytes) -> None:
        field = await self._be_at("data", "file_uploader", re.compile("archive"))
        label = await self._be_at("data", "text_input", re.compile("^Name$"))
        button = await self._be_at("data", "button", re.compile("^Look inside$"))
        upload = await self.session.upload(field, f"{name}.zip", archive, "application/zip")
        await self.session.act(
            upload, WidgetState(id=label.id, string_value=name), WidgetState(id=button.id, trigger_value=True)
        )
        take = await self.session.shows(
            lambda screen: screen.find("button", lambda button: button.id.endswith(f"data_take_{name}"))
        )
        await self.session.act(WidgetState(id=take.id, trigger_value=True))
        await self.session.shows(lambda screen: any(f"`{name}`" in text for text in screen.texts))

    async def _download(self, path: str) -> int:
        return len(await self.session.download(await self._be_at(path, "download_button", DOWNLOADS[path])))
