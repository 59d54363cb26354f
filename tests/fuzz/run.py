"""Coverage-guided fuzzing with atheris: `python -m tests.fuzz.run TARGET RUNS [FOLDER]`.

FOLDER keeps the corpus. Needs the extra `fuzz`. A bug ends the run and leaves a `crash-…` file.
"""

import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hpcrun"]):
    from tests.fuzz.targets import TARGETS, try_target


def main() -> None:
    name, runs = sys.argv[1], int(sys.argv[2])
    target = TARGETS[name]
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="hpcrun-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    longest = 2 * max(map(len, target.seeds))
    options = [f"-runs={runs}", f"-max_len={longest}", "-timeout=60", "-print_final_stats=1"]
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    atheris.Setup([sys.argv[0], *options, str(folder)], lambda data: try_target(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
