"""How much a sweep costs beside its trainings."""
