"""Prints as JSON what a cluster says of itself: `python -m cifar_core.cluster.ray.check HOST:PORT`.

A process of its own, because the app and the command line load no Ray, because Ray reads the token once in a process,
and because Ray ends the whole process where it cannot read one. It asks the head alone and joins nothing.
"""

import json
import sys

from ray.exceptions import AuthenticationError

from cifar_core.cluster.ray.head import ask_head, open_head

_SECONDS = 10.0


def main() -> None:
    """Print {"nodes": [...]}, or {"denied": true} where the head does not take the token."""
    try:
        print(json.dumps({"nodes": ask_head(open_head(sys.argv[1]), _SECONDS)}))
    except AuthenticationError:
        print(json.dumps({"denied": True}))


if __name__ == "__main__":
    main()
