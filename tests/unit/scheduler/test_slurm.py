"""What is asked of Slurm's tools, and how their answers go together; as 24.11.5 gave them."""

from collections.abc import Sequence

import pytest

from hpcrun.errors import UnavailableError
from hpcrun.model.run import JobReport, JobState
from hpcrun.ports import CommandResult
from hpcrun.scheduler.slurm import Slurm
from tests.unit.app.fakes import FakeClock

SQUEUE = "7|{state}|0:05|1763599999|1763600000|1763600005|{nodes}|None|hpcrun:abc|hello\n"
SCONTROL = "JobId=7 JobState={state} ExitCode={code} DerivedExitCode={derived} RunTime=00:00:05\n"
SACCT = "7|{state}|0:0|0:0|5|1763599999|1763600000|1763600005|{nodes}|1000||hello\n"


class Tools:
    """Slurm's tools by what they print; None for one that fails."""

    is_local = True

    def __init__(self, **prints: str | None) -> None:
        self.prints = prints
        self.asked: list[str] = []

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        assert (stdin, timeout_s > 0) == (b"", True)
        words = [word for word in argv if word != "env" and not word.startswith("SLURM_TIME")]
        self.asked.append(words[0])
        tool = "failed_node" if "--format=FailedNode" in words else words[0]
        printed = self.prints.get(tool)
        if printed is None:
            return CommandResult(exit_code=1, stdout=b"", stderr=f"{words[0]}: error: no")
        return CommandResult(exit_code=0, stdout=printed.encode(), stderr="")


def ask(tools: Tools, *, has_accounting: bool) -> JobReport:
    slurm = Slurm(tools, FakeClock(), has_accounting=has_accounting)
    return slurm.read_reports(["7"])["7"]


def cancelled(**changes: str | None) -> Tools:
    prints: dict[str, str | None] = {
        "squeue": SQUEUE.format(state="CANCELLED", nodes="n1"),
        "scontrol": SCONTROL.format(state="CANCELLED", code="0:15", derived="0:0"),
        "sacct": SACCT.format(state="CANCELLED by 1000", nodes="n1"),
    }
    return Tools(**{**prints, **changes})


def test_job_that_both_know_has_its_code_by_one_and_who_cancelled_it_by_the_other() -> None:
    report = ask(cancelled(), has_accounting=True)
    assert (report.signal, report.cancelled_by, report.origin) == (15, "its owner", "scontrol")


@pytest.mark.parametrize("sacct", [SACCT.format(state="RUNNING", nodes="n1"), "", None])
def test_job_of_which_accounting_has_not_heard_yet_is_told_as_such(sacct: str | None) -> None:
    report = ask(cancelled(sacct=sacct), has_accounting=True)
    assert (report.state, report.cancelled_by) == (JobState.CANCELLED, "")
    assert report.origin == "squeue"


def test_accounting_that_is_down_matters_only_where_squeue_knows_nothing() -> None:
    with pytest.raises(UnavailableError, match="`sacct` says: no"):
        ask(cancelled(squeue="", sacct=None), has_accounting=True)


def test_site_without_accounting_is_never_asked_for_accounts() -> None:
    tools = cancelled()
    assert ask(tools, has_accounting=False).origin == "scontrol"
    assert tools.asked == ["squeue", "scontrol"]


def test_job_whose_step_ran_out_of_memory_is_told_so() -> None:
    tools = Tools(
        squeue=SQUEUE.format(state="FAILED", nodes="n1"),
        scontrol=SCONTROL.format(state="FAILED", code="1:0", derived="0:125"),
    )
    report = ask(tools, has_accounting=False)
    assert (report.state, report.raw_state) == (JobState.OUT_OF_MEMORY, "FAILED")
    assert (report.exit_code, report.signal) == (1, None)


@pytest.mark.parametrize(
    ("nodes", "has_accounting", "failed_node", "sinfo", "expected"),
    [
        ("n1", False, None, None, "n1"),
        ("n[1-2]", False, None, "n2\n", "n2"),
        ("n[1-2]", False, None, "", ""),
        ("n[1-2]", True, "n2\n", None, "n2"),
        # 22.05: sacct does not know that field.
        ("n[1-2]", True, None, "n2\n", "n2"),
    ],
)
def test_lost_node_is_named_by_whoever_knows_it(
    nodes: str, *, has_accounting: bool, failed_node: str | None, sinfo: str | None, expected: str
) -> None:
    tools = Tools(
        squeue=SQUEUE.format(state="NODE_FAIL", nodes=nodes),
        scontrol=SCONTROL.format(state="NODE_FAIL", code="1:0", derived="0:0"),
        sacct=SACCT.format(state="NODE_FAIL", nodes=nodes),
        failed_node=failed_node,
        sinfo=sinfo,
    )
    assert ask(tools, has_accounting=has_accounting).failed_nodes == expected
