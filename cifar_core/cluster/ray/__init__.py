"""The back end Ray: the only place that loads it.

Ray reads some variables once, while it is imported, so they are set here, before any module of this package imports it.
"""

import os

# Token authentication is ours to set, whatever a person's shell says; nothing is reported to Ray's makers; a cluster
# that does not answer is given up at once.
os.environ.update(RAY_AUTH_MODE="token", RAY_USAGE_STATS_ENABLED="0", RAY_NUM_REDIS_GET_RETRIES="1")
