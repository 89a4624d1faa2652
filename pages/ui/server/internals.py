"""The private parts of Streamlit that this room reads or replaces, each imported here and nowhere else.

A part that another version of Streamlit has moved or dropped is `Absent` here. No object is an instance of it, so the
guard in `patching` leaves Streamlit as it is, and the pages still open.
"""


class Absent:
    """Stands for a part that this version of Streamlit does not have where it is expected."""


try:
    from streamlit import net_util
except ImportError:
    net_util = Absent  # type: ignore[assignment]
try:
    from streamlit.runtime import Runtime, get_instance
except ImportError:
    Runtime = get_instance = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.media_file_manager import MediaFileManager
except ImportError:
    MediaFileManager = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.media_file_storage import MediaFileKind
except ImportError:
    MediaFileKind = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
except ImportError:
    MemoryMediaFileStorage = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
except ImportError:
    MemoryUploadedFileManager = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.pages_manager import PagesManager
except ImportError:
    PagesManager = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, get_script_run_ctx
except ImportError:
    ScriptRunContext = Absent  # type: ignore[misc, assignment]
    get_script_run_ctx = Absent  # type: ignore[assignment]
try:
    from streamlit.runtime.state import SafeSessionState
except ImportError:
    SafeSessionState = Absent  # type: ignore[misc, assignment]
try:
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec
except ImportError:
    UploadedFileRec = Absent  # type: ignore[misc, assignment]

__all__ = [
    "Absent",
    "MediaFileKind",
    "MediaFileManager",
    "MemoryMediaFileStorage",
    "MemoryUploadedFileManager",
    "PagesManager",
    "Runtime",
    "SafeSessionState",
    "ScriptRunContext",
    "UploadedFileRec",
    "get_instance",
    "get_script_run_ctx",
    "net_util",
]
