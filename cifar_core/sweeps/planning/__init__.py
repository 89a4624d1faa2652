"""What a plan is made of beside its space."""
