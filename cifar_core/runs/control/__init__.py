"""What a person does with runs: create, start, stop, pause, resume, retry, duplicate, delete, restore; and limits."""
