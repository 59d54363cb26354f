"""The hello job of the examples in any sandbox: laid out as by its user, submitted, read back."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

HELLO = CHECKOUT / "examples" / "hello"
_SAID = re.compile(r"^rank (\d) of 4 on (\S+), process \d+: (\w+)", re.MULTILINE)


def lay_out_hello(
    sandbox: Sandbox,
    image: Path,
    *,
    name: str = "hello",
    changes: Mapping[str, object] | None = None,
) -> Path:
    """Write the hello job for that image into the shared folder; its job file."""
    folder = sandbox.share / f"{sandbox.name}-{name}"
    sandbox.exec("sh", "-c", 'rm -rf "$0" && mkdir "$0"', str(folder))
    job = YAML(typ="safe").load((HELLO / "job.yaml").read_text()) | {"image": str(image)}
    for key, value in (changes or {}).items():
        job[key] = job[key] | value if isinstance(value, Mapping) and key in job else value
    texts = {"job.yaml": json.dumps(job), "hello.py": (HELLO / "hello.py").read_text()}
    for file, text in texts.items():
        sandbox.exec("sh", "-c", 'cat >"$0"', str(folder / file), stdin=text)
    return folder / "job.yaml"


def run_hello(sandbox: Sandbox, job_file: Path) -> tuple[set[str], set[str]]:
    """Submit a hello job and wait; the nodes and the MPI libraries that its four ranks name."""
    done = run_hpcrun("submit", str(job_file), "--site", str(sandbox.profile), "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = run_hpcrun("logs", "--runs", str(job_file.parent / ".hpcrun" / "runs"))
    lines = _SAID.findall(shown.stdout)
    assert [rank for rank, _, _ in lines] == ["0", "1", "2", "3"], shown.stdout + shown.stderr
    return {node for _, node, _ in lines}, {library for _, _, library in lines}
