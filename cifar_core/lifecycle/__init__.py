"""The life of a run: its states, its queue, and the worker that sees it through. The light half of the runs layer.

A waiting worker is a process of its own, and thirty may wait at a time, so nothing here loads more than locks and JSON
need (no NumPy, no pandas, no torch). What a run has to show lies in `cifar_core.runs`.
"""
