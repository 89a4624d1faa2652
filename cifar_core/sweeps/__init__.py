"""Sweeps: many runs whose settings Optuna proposes. Reading and showing them loads neither Optuna nor torch."""
