"""The process that owns the study of a sweep: the only place that loads Optuna."""
