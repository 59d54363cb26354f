"""Each folder here holds a bad job file or profile, and what people are told about it."""

import string
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcrun.errors import InputError
from hpcrun.loading import load_job, load_site
from hpcrun.report.errors import format_error

HERE = Path(__file__).resolve().parent
MAX_MESSAGE = 90
CASES = sorted(path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_file_gets_its_diagnostics(
    case: Path, golden: Callable[[str, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    is_job = Path("job.yaml").exists()
    with pytest.raises(InputError) as error:
        load_job("job.yaml") if is_job else load_site("site.yaml")
    golden(format_error(error.value) + "\n", case / "expected" / "stderr.txt")
    for diagnostic in error.value.diagnostics:
        assert diagnostic.location is not None
        assert diagnostic.found != ()
        assert diagnostic.help != ()
        assert len(diagnostic.message) <= MAX_MESSAGE
        assert diagnostic.message[0] not in string.ascii_uppercase
        assert diagnostic.message[-1] != "."
