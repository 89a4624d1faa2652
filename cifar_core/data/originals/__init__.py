"""What larger pictures of a person looked like before they became 32 x 32, made small, beside the dataset."""
