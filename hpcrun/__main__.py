"""The command `hpcrun`, also as `python -m hpcrun`: one process for one command; does no work."""

import gc
import sys

from hpcrun.cli.main import main


def run() -> int:
    """Run hpcrun, sparing most of Python's search for garbage in cycles, of which there is little.

    It takes a sixth of a short command's time, half of that when Python goes through everything
    once more at its end.
    """
    gc.set_threshold(100_000)
    code = main()
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(run())
