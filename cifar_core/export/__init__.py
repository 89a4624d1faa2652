"""Export pictures and tables: as a folder under `exports/`, a ZIP, CSV files.

Writes folders in `exports` of the workspace or in a given place, each whole or not at all; reads only its arguments.
"""

from cifar_core.export.comparison import comparison_csv, comparison_table
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
from cifar_core.export.prediction_template import prediction_template
from cifar_core.export.predictions import (
    NAMES,
    Names,
    epoch_file_name,
    predictions_csv,
    predictions_file,
    predictions_parquet,
    predictions_table,
)
from cifar_core.export.save_job import save_job, start_save
from cifar_core.export.tags import MAX_TAGS_BYTES, import_tags, tags_csv

__all__ = [
    "MAX_EXPORTED",
    "MAX_TAGS_BYTES",
    "NAMES",
    "Export",
    "Names",
    "comparison_csv",
    "comparison_table",
    "epoch_file_name",
    "file_name",
    "import_tags",
    "prediction_template",
    "predictions_csv",
    "predictions_file",
    "predictions_parquet",
    "predictions_table",
    "require_exportable",
    "safe_name",
    "save_job",
    "save_samples",
    "start_save",
    "table_csv",
    "tags_csv",
    "zip_bytes",
    "zip_samples",
]
