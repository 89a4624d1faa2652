"""What a person does with stored datasets: delete, restore, export."""
