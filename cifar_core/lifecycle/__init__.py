"""The life of a run: its states, its queue, and the worker that supervises its training.

Each waiting worker is a process of its own, and thirty may wait at a time, so nothing here loads more than locks and
JSON need (no NumPy, no pandas, no torch). The results of a run are read by `cifar_core.runs`.
"""
