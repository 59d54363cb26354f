#!/opt/tools/usr/bin/python3 -IS
"""hpcrun on the login node: the code from outside, with its dependencies for this Python.

`-I` and `-S`: nothing of the user's own Python set-up reaches it, and start-up is faster.
"""

import sys

sys.path[:0] = ["/opt/hpcrun/app", "/opt/hpcrun/python"]
sys.argv[0] = "hpcrun"

from hpcrun.__main__ import run  # noqa: E402

sys.exit(run())
