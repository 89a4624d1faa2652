"""Datasets: downloading, importing, storing, opening and augmenting pictures.

Only this layer knows the files in `workspace.data`.
"""

from cifar_core.data.augment import Variation, augment, draw_variation
from cifar_core.data.catalogue import DatasetState, dataset_state, list_datasets
from cifar_core.data.checks.balance import Imbalance
from cifar_core.data.checks.check import (
    DatasetCheck,
    check_dataset,
    read_check,
    read_warnings,
    shortcut_warning,
    warning_sentences,
)
from cifar_core.data.checks.check_job import check_job, start_check
from cifar_core.data.checks.duplicates import (
    DuplicateCounts,
    Groups,
    duplicate_sentences,
    duplicate_table,
    picture_hashes,
    seen_in_training,
)
from cifar_core.data.checks.findings import Finding
from cifar_core.data.checks.shortcuts import Shortcut
from cifar_core.data.checks.summary import Summary, summarise, summary_json
from cifar_core.data.control.export_job import export_job, start_export
from cifar_core.data.control.exporting import dataset_export_bytes, export_dataset, export_path
from cifar_core.data.control.trash import (
    delete_dataset,
    deleted_datasets,
    empty_dataset_trash,
    find_deleted_dataset,
    restore_dataset,
)
from cifar_core.data.dataset import FIT_TITLES, Dataset, Fit, Split, class_counts, hash_of_pictures, parts_of
from cifar_core.data.import_findings import Findings, read_findings, read_preview
from cifar_core.data.originals.reader import read_original
from cifar_core.data.picture_formats import EXTENSIONS, FORMATS
from cifar_core.data.picture_reader import read_pictures
from cifar_core.data.pictures import (
    NormalisedView,
    central_square,
    conversion,
    decode_picture,
    decode_upright,
    fit_picture,
    normalised_view,
    to_image,
    usable_std,
)
from cifar_core.data.preparation import (
    continue_import,
    forget_import,
    free_dataset_name,
    open_import,
    pasted_path,
    prepare_drawn10,
    start_cleaned_copy,
    start_get,
    start_import,
    start_look,
    suggested_name,
    unfinished_import,
)
from cifar_core.data.sources.own.options import DEFAULT_TEST_SHARE, MAX_SEED, ImportOptions
from cifar_core.data.store import (
    BUILT_IN_NAMES,
    checked_dataset_name,
    dataset_job,
    file_stamps,
    open_dataset,
    require_unchanged,
    save_dataset,
)
from cifar_core.data.stratified import MAX_TEST_SHARE, MIN_TEST_SHARE, counts_of_test

__all__ = [
    "BUILT_IN_NAMES",
    "DEFAULT_TEST_SHARE",
    "EXTENSIONS",
    "FIT_TITLES",
    "FORMATS",
    "MAX_SEED",
    "MAX_TEST_SHARE",
    "MIN_TEST_SHARE",
    "Dataset",
    "DatasetCheck",
    "DatasetState",
    "DuplicateCounts",
    "Finding",
    "Findings",
    "Fit",
    "Groups",
    "Imbalance",
    "ImportOptions",
    "NormalisedView",
    "Shortcut",
    "Split",
    "Summary",
    "Variation",
    "augment",
    "central_square",
    "check_dataset",
    "check_job",
    "checked_dataset_name",
    "class_counts",
    "continue_import",
    "conversion",
    "counts_of_test",
    "dataset_export_bytes",
    "dataset_job",
    "dataset_state",
    "decode_picture",
    "decode_upright",
    "delete_dataset",
    "deleted_datasets",
    "draw_variation",
    "duplicate_sentences",
    "duplicate_table",
    "empty_dataset_trash",
    "export_dataset",
    "export_job",
    "export_path",
    "file_stamps",
    "find_deleted_dataset",
    "fit_picture",
    "forget_import",
    "free_dataset_name",
    "hash_of_pictures",
    "list_datasets",
    "normalised_view",
    "open_dataset",
    "open_import",
    "parts_of",
    "pasted_path",
    "picture_hashes",
    "prepare_drawn10",
    "read_check",
    "read_findings",
    "read_original",
    "read_pictures",
    "read_preview",
    "read_warnings",
    "require_unchanged",
    "restore_dataset",
    "save_dataset",
    "seen_in_training",
    "shortcut_warning",
    "start_check",
    "start_cleaned_copy",
    "start_export",
    "start_get",
    "start_import",
    "start_look",
    "suggested_name",
    "summarise",
    "summary_json",
    "to_image",
    "unfinished_import",
    "usable_std",
    "warning_sentences",
]
