"""Sources of pictures: the official CIFAR-10, `drawn10`, and archives and folders that people import."""
