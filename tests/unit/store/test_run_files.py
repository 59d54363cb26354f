"""Records of a run are read whole or count as missing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hpcrun.model.run import Run, Submission, Submitter
from hpcrun.store import run_files

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUN = Run(
    name="hello-abc",
    token="abc",
    job="hello",
    site="fjord",
    profile=Path("/etc/fjord.yaml"),
    folder=Path("/w/.hpcrun/runs/hello-abc"),
    created_at=NOON,
    script_sha256="0" * 64,
    submitter=Submitter(host="login", pid=1, started="2"),
)
RUN_JSON = RUN.model_dump_json().encode()


def test_pack_unpacks_to_the_same_files() -> None:
    files = {"job.sh": "#!/bin/sh\n", "run.json": "{}\n", "job.yaml": "näme: 1\n"}
    assert run_files.unpack(run_files.pack(files)) == {k: v.encode() for k, v in files.items()}


def test_records_without_run_are_none() -> None:
    assert run_files.parse_records({"submitted.json": b"{}"}) is None


@pytest.mark.parametrize("text", [b"", b"{", RUN_JSON[:-1], b"[]", b'{"version": 2}'])
def test_records_with_damaged_run_are_none(text: bytes) -> None:
    assert run_files.parse_records({"run.json": text}) is None


def test_records_damaged_later_record_counts_as_missing() -> None:
    records = run_files.parse_records({"run.json": RUN_JSON, "final.json": b'{"version": 1, "jo'})
    assert records is not None
    assert records.final is None


def test_records_know_the_job_from_whichever_record_has_it() -> None:
    start = b'{"version": 1, "job_id": "7", "nodes": "n1", "started_at": 1763600000}'
    records = run_files.parse_records({"run.json": RUN_JSON, "start.json": start})
    assert records is not None
    assert records.job_id == "7"


def test_records_final_as_the_script_writes_it() -> None:
    final = (
        b'{"version": 1, "job_id": "7", "stage": "application", "exit_code": 143, "signal": 15, '
        b'"started_at": 1763600000, "ended_at": 1763600060, "ends_at": null}'
    )
    records = run_files.parse_records({"run.json": RUN_JSON, "final.json": final})
    assert records is not None
    assert records.final is not None
    assert (records.final.signal, records.final.ends_at) == (15, None)


def test_submission_is_kept() -> None:
    submission = Submission(job_id="7", submitted_at=NOON)
    text = submission.model_dump_json().encode()
    records = run_files.parse_records({"run.json": RUN_JSON, "submitted.json": text})
    assert records is not None
    assert records.submission == submission


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("submitted.json", b'{"job_id": "--user=ada", "submitted_at": 1763600000}'),
        ("submitted.json", b'{"job_id": "7\\n8", "submitted_at": 1763600000}'),
        ("submitted.json", b'{"job_id": "7", "submitted_at": "2026-11-20T12:00:00"}'),
        ("submitted.json", b'{"job_id": "7", "submitted_at": "0001-01-01T00:00:00Z"}'),
        ("ended.json", b'{"job_id": "7", "state": "FAILED", "exit_code": 10000000000000000000}'),
    ],
)
def test_records_that_no_hpcrun_wrote_count_as_missing(name: str, text: bytes) -> None:
    records = run_files.parse_records({"run.json": RUN_JSON, name: text})
    assert records is not None
    assert records.job_id is None
