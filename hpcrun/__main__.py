"""`python -m hpcrun`: the same as the command `hpcrun`."""

import sys

from hpcrun.cli.main import main

sys.exit(main())
