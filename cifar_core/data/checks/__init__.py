"""What a dataset hides: checks of its pictures and labels, which say what a person should know before a training."""
