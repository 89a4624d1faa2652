"""Going on from a run that has ended: more epochs, or its weights on another dataset."""
