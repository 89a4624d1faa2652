"""Pictures and tables that leave the app: a folder under `exports/`, a ZIP, CSV files.

Writes folders in the workspace's `exports` (or where it is told), each whole or not at all; reads nothing but its arguments.
"""

from cifar_core.export.csv_table import table_csv
from cifar_core.export.pictures import (
    MAX_EXPORTED,
    Export,
    file_name,
    require_exportable,
    safe_name,
    save_samples,
    zip_bytes,
    zip_samples,
)

__all__ = [
    "MAX_EXPORTED",
    "Export",
    "file_name",
    "require_exportable",
    "safe_name",
    "save_samples",
    "table_csv",
    "zip_bytes",
    "zip_samples",
]
