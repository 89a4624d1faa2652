"""What the first request of a server changes in Python and Streamlit, before anything of a page is drawn."""

import functools
import gc
from types import NoneType

import streamlit as st

from pages.ui.server.internals import PagesManager, net_util
from pages.ui.server.patching import Patch, patch_fits

THIS_MACHINE = "127.0.0.1"
PAGE_DISCOVERY = Patch(
    name="streamlit.runtime.pages_manager.PagesManager",
    lost="a link to a page other than Home that is the very first request of the server may open Home",
    of=PagesManager,
    sample=lambda: PagesManager,
    attributes={"uses_pages_directory": (bool, NoneType)},
)
IP_LOOKUP = Patch(
    name="streamlit.net_util",
    lost="the server may ask the internet for its own address",
    of=net_util,
    sample=lambda: net_util,
    methods={"get_internal_ip": (), "get_external_ip": ()},
    attributes={"_internal_ip": (str, NoneType), "_external_ip": (str, NoneType)},
)


def leave_old_page_discovery() -> None:
    """Run again through the entry script's page table where Streamlit's own discovery of `pages/` came first.

    That happens once per server, when its very first request is a link to a page other than Home.
    """
    if patch_fits(PAGE_DISCOVERY, PagesManager) and PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def skip_ip_lookup() -> None:
    """Keep the server from asking the internet for its own address, as Streamlit does for a request of another site.

    The answer would let pages of that address in. A server that others reach is known by its name: it accepts its own
    origin and those in `corsAllowedOrigins`.
    """
    if patch_fits(IP_LOOKUP, net_util):
        net_util._internal_ip = net_util._external_ip = THIS_MACHINE  # where Streamlit keeps what it found


@functools.cache
def freeze_garbage_collector(page: str) -> None:
    """Leave what the first visit of `page` has loaded out of Python's garbage collection.

    The modules of Streamlit and of this project are never garbage, and to go through them takes most of the time of a
    collection.
    """
    gc.collect()
    gc.freeze()
