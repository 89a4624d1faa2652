"""What a plan is made of beside its space: its file, and the storage that machines share."""
