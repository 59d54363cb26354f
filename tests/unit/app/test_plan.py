"""Planning as a use case and as a command: what is read, what is said, which exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpcrun.app.api import explain, load_passport, plan, read_passports, read_stacks, render
from hpcrun.app.passports import missing_sources
from hpcrun.cli.main import main
from hpcrun.errors import InputError, MissingInputError, UsageError
from hpcrun.model.job import Job
from hpcrun.model.site import Site
from hpcrun.render import open_place, script_sha256
from tests.unit.planner.measured import IMAGES, STACKS, job, site

OPENMPI = IMAGES["debian13-openmpi-5.0.7"]
SITE = """\
version: 1
name: box
access: local
scheduler:
  version: "24.11.5"
  mpi_types: [none, pmi2, pmix]
  pmix: {server: "5.0.7", psec: [native]}
node_classes: {compute: {arch: x86_64, cores: 4, memory_mib: 4000}}
partitions: {main: {node_classes: [compute], nodes: 2, default: true}}
runtime: {version: "1.4.5", mode: userns, user_bind: true}
filesystems: {shared: [SHARED]}
"""
JOB = """\
version: 1
name: brain
image: app.sif
command: [/usr/bin/app]
resources: {nodes: 2, tasks: 4}
"""
Command = Callable[..., int]


def test_plan_carries_the_digest_of_the_script_that_render_prints() -> None:
    away = site(access={"prefix": ["ssh", "box"]})
    made = plan(job(), away, passports={"amd64": OPENMPI}, stacks=STACKS)
    assert made.script_sha256 == script_sha256(made)
    assert render(made, place=open_place(made)).startswith("#!")


def test_plan_that_is_refused_has_no_script() -> None:
    made = plan(job(), site(), passports={"amd64": IMAGES["no-mpi"]}, stacks=STACKS)
    assert (made.is_refused, made.script_sha256) == (True, None)


def with_image(ref: str) -> Job:
    return job(image={"any_arch": {"ref": ref}})


def test_read_passports_of_a_missing_image_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="there is no image"):
        read_passports(with_image(str(tmp_path / "gone.sif")))


def test_read_passports_of_what_is_no_image_says_so(tmp_path: Path) -> None:
    wrong = tmp_path / "app.sif"
    wrong.write_text("no image\n" * 100, encoding="utf-8")
    with pytest.raises(InputError):
        read_passports(with_image(str(wrong)))


@pytest.mark.parametrize("scheme", ["docker", "oras", "library", "https"])
def test_read_passports_of_an_address_says_how_to_fetch_it(scheme: str) -> None:
    with pytest.raises(InputError) as error:
        read_passports(with_image(f"{scheme}://images/app:1"))
    assert [d.code for d in error.value.diagnostics] == ["HPR210"]


def test_load_passport_stands_for_the_image_of_the_job(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text(OPENMPI.model_dump_json(), encoding="utf-8")
    found = load_passport(file, with_image("/home/share/other.sif"))
    assert found == {"amd64": OPENMPI.model_copy(update={"path": Path("/home/share/other.sif")})}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}'])
def test_load_passport_of_a_wrong_file_says_so(text: str, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not the passport of an image"):
        load_passport(file, job())


def stack_site(tmp_path: Path, **stack: Any) -> Site:
    described = {"family": "openmpi", "version": "5.0.11", "prefix": tmp_path / "mpi"}
    return site(mpi_stacks={"host": described | stack})


def test_read_stacks_takes_the_passport_that_the_profile_names(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    file.write_text(STACKS["openmpi-5.0.11"].model_dump_json(), encoding="utf-8")
    found = read_stacks(stack_site(tmp_path, passport=str(file)))
    assert found == {"host": STACKS["openmpi-5.0.11"]}


def test_read_stacks_leaves_out_what_is_out_of_reach(tmp_path: Path) -> None:
    assert read_stacks(stack_site(tmp_path)) == {}
    assert read_stacks(stack_site(tmp_path, passport=str(tmp_path / "gone.json"))) == {}


def test_read_stacks_of_a_wrong_passport_says_so(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="is not the passport of an MPI stack"):
        read_stacks(stack_site(tmp_path, passport=str(file)))


def test_missing_sources_are_looked_for_only_where_their_absence_says_something(
    tmp_path: Path,
) -> None:
    mounts = tuple({"host": tmp_path / n, "container": f"/{n}"} for n in ("there", "gone"))
    (tmp_path / "there").mkdir()
    here = site(filesystems={"shared": [tmp_path]})
    asked = job(workdir=tmp_path, mounts=(*mounts, {"host": "/not/shared", "container": "/x"}))
    assert missing_sources(asked, here) == (tmp_path / "gone",)
    through_prefix = site(filesystems={"shared": [tmp_path]}, access={"prefix": ["ssh", "box"]})
    assert missing_sources(asked, through_prefix) == ()
    assert missing_sources(asked, site(filesystems={})) == ()


def test_explain_gives_each_rule_once_by_code_or_name() -> None:
    found = explain(["HPR401", "pmi-not-offered", "hpr102"])
    assert [item.rule.code for item in found] == ["HPR401", "HPR102"]
    assert len(explain()) > 40


def test_explain_of_an_unknown_rule_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="there is no rule `HPR999`"):
        explain(["HPR999"])


@pytest.fixture
def planned(tmp_path: Path) -> Command:
    """Return `hpcrun plan` of a job whose image was read already."""
    (tmp_path / "site.yaml").write_text(SITE.replace("SHARED", str(tmp_path)), encoding="utf-8")
    (tmp_path / "facts.json").write_text(OPENMPI.model_dump_json(), encoding="utf-8")

    def run(*more: str, text: str = JOB) -> int:
        (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
        files = [str(tmp_path / name) for name in ("job.yaml", "site.yaml", "facts.json")]
        return main(["plan", files[0], "--site", files[1], "--passport", files[2], *more])

    return run


def test_plan_command_prints_the_page_and_ends_with_0(
    planned: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned() == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("brain at site box: hybrid model by `srun --mpi=pmix`\n")
    assert printed.err == ""


def test_plan_command_refuses_with_1_and_says_why_on_standard_error(
    planned: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(text=JOB + "mpi: {pmi: pmi2}\n") == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("brain at site box: refused\n")
    assert printed.err.startswith("error[HPR401]: `--mpi=pmi2` does not serve Open MPI 5.0.7")
    assert "job.yaml:6:6" in printed.err
    assert "help: use `mpi: {model: hybrid, pmi: pmix}`, which would work (sure)" in printed.err


def test_plan_command_prints_json_of_version_1(
    planned: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned("--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["version"] == 1
    assert printed["chosen"]["srun_mpi"] == "pmix"
    wanted = {"job", "site", "image", "candidates", "diagnostics", "layout"}
    assert wanted | {"environment", "mounts", "script_sha256"} <= set(printed)


@pytest.mark.parametrize("rule", ["HPR403", "uneven-layout"])
def test_plan_command_allows_a_rule_by_code_or_name(
    planned: Command, capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    uneven = JOB.replace("tasks: 4", "tasks: 3")
    assert planned("--allow", f"{rule}=balanced by hand", text=uneven) == 0
    assert "note: allowed because: balanced by hand" in capsys.readouterr().err


def test_plan_command_with_a_missing_passport_ends_with_66(tmp_path: Path) -> None:
    for name, text in (("job.yaml", JOB), ("site.yaml", SITE.replace("SHARED", "/home"))):
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = [str(tmp_path / name) for name in ("job.yaml", "site.yaml", "gone.json")]
    assert main(["plan", files[0], "--site", files[1], "--passport", files[2]]) == 66
    assert main(["plan", files[0], "--site", files[1]]) == 66


def test_explain_command_prints_pages_lists_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "HPR401"]) == 0
    assert capsys.readouterr().out.startswith("# HPR401 pmi-not-offered\n")
    assert main(["explain"]) == 0
    assert "HPR102  error" in capsys.readouterr().out
    assert main(["explain", "pmi-not-offered", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [rule["code"] for rule in printed["rules"]] == ["HPR401"]


def test_explain_command_of_an_unknown_rule_ends_with_64() -> None:
    assert main(["explain", "HPR999"]) == 64
