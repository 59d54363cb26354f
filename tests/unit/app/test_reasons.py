"""Why a job waits or ended, in plain words."""

from typing import Any

import pytest

from hpcrun.app.reasons import reason_of
from hpcrun.model.run import JobReport, JobState, Limits

LIMITS = Limits(memory_per_node_mib=100, walltime_s=60)


def report(state: JobState, **changes: Any) -> JobReport:
    return JobReport(job_id="7", state=state, **changes)


@pytest.mark.parametrize(
    ("seen", "limits", "words"),
    [
        (report(JobState.COMPLETED), LIMITS, ""),
        (report(JobState.FAILED, reason="NonZeroExitCode"), LIMITS, ""),
        (
            report(JobState.OUT_OF_MEMORY),
            LIMITS,
            "killed by the memory limit of the job: asked 100 MiB per node; "
            "raise `memory_per_node`",
        ),
        (
            report(JobState.OUT_OF_MEMORY),
            Limits(memory_per_cpu_mib=2048),
            "killed by the memory limit of the job: asked 2 GiB per slurm cpu; "
            "raise `memory_per_cpu`",
        ),
        (
            report(JobState.OUT_OF_MEMORY),
            Limits(),
            "killed by the memory limit of the job: asked for none and got the site's default; "
            "raise `memory_per_node`",
        ),
        (
            report(JobState.TIMEOUT),
            LIMITS,
            "asked 1 min; raise `walltime`",
        ),
        (
            report(JobState.TIMEOUT),
            Limits(),
            "the partition's default; raise `walltime`",
        ),
        (
            report(JobState.NODE_FAIL, nodes="n[1-2]", failed_nodes="n2"),
            LIMITS,
            "node n2 died or was cut off from the network; submit it again",
        ),
        (
            report(JobState.NODE_FAIL, nodes="n[1-2]"),
            LIMITS,
            "one of its nodes n[1-2] died or was cut off from the network; submit it again",
        ),
        (report(JobState.CANCELLED, cancelled_by="its owner"), LIMITS, "by its owner"),
        (report(JobState.CANCELLED), LIMITS, "by somebody; Slurm does not say who"),
        (
            report(JobState.CANCELLED, origin="record"),
            LIMITS,
            "its script was told to stop, by `scancel` or as a node was lost; "
            "Slurm has forgotten which",
        ),
        (
            report(JobState.LOST),
            LIMITS,
            "a node died, or somebody killed it with -9, and nobody asked for its state while "
            "Slurm still knew it",
        ),
    ],
)
def test_end_is_said_with_what_the_job_asked_for(
    seen: JobReport, limits: Limits, words: str
) -> None:
    assert reason_of(seen, limits) == words


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("Priority", "other jobs come first"),
        (
            "ReqNodeNotAvail, UnavailableNodes:n[1-2]",
            "nodes that it needs are down, drained or reserved",
        ),
        ("QOSMaxJobsPerUserLimit", "a limit of its QOS is reached"),
        ("AWordOfTomorrow", "AWordOfTomorrow"),
        ("PriorityOfTomorrow", "PriorityOfTomorrow"),
        ("", ""),
    ],
)
def test_wait_is_said_in_plain_words_and_an_unknown_word_as_it_is(word: str, words: str) -> None:
    assert reason_of(report(JobState.PENDING, reason=word), LIMITS) == words
