"""What a dataset hides and makes every number after it untrue: pictures that occur twice, odd ones, shortcuts."""
