"""Where pictures come from: the official CIFAR-10, `drawn10`, and archives and folders that people bring."""
