"""Names and forms of the files in a run's folder; does not touch the disk."""

import io
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar

from pydantic import ValidationError

from hpcrun.model.base import Value
from hpcrun.model.run import (
    FinalRecord,
    JobReport,
    Run,
    RunRecords,
    StartRecord,
    Submission,
)

RUN = "run.json"
SUBMISSION = "submitted.json"
START = "start.json"
FINAL = "final.json"
ENDED = "ended.json"
LOGS = "logs"
RECORDS = (RUN, SUBMISSION, START, FINAL, ENDED)

MAX_BYTES = 1 << 20
"""A record is a few hundred bytes; what is larger is none of ours."""

V = TypeVar("V", bound=Value)


def pack(files: Mapping[str, str]) -> bytes:
    """Return a tar archive of the files of a new run, with its empty folder of logs."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        folder = tarfile.TarInfo(LOGS)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            # Only records may be for others: `env` of a job, say a token, stands in all else.
            entry.size, entry.mode = len(content), 0o644 if name in RECORDS else 0o600
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def unpack(archive: bytes) -> dict[str, bytes]:
    """Return the files of an archive by their names; of a damaged one what can be read."""
    files: dict[str, bytes] = {}
    if not archive:
        return files
    with suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isfile() else None
            if content is not None and entry.size <= MAX_BYTES:
                files[entry.name.removeprefix("./")] = content.read()
    return files


def parse_records(files: Mapping[str, bytes]) -> RunRecords | None:
    """Return the records of a run, or None where its own record is missing or damaged.

    A later record that is damaged counts as missing: the scheduler is asked instead.
    """
    run = _parse(Run, files.get(RUN))
    if run is None:
        return None
    return RunRecords(
        run=run,
        submission=_parse(Submission, files.get(SUBMISSION)),
        start=_parse(StartRecord, files.get(START)),
        final=_parse(FinalRecord, files.get(FINAL)),
        ended=_parse(JobReport, files.get(ENDED)),
    )


def _parse(kind: type[V], text: bytes | None) -> V | None:
    if text is None:
        return None
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        return None
