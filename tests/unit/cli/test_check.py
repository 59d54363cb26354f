"""`hpcrun check`: kinds are told by content, all sites at once, exit codes, JSON and SARIF."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from hpcrun import resources
from hpcrun.app.input_kind import find_kind
from hpcrun.cli.main import main
from hpcrun.errors import ExitCode
from tests.fakes import mpi_files
from tests.fakes.sif_builder import build_sif
from tests.fakes.squashfs_builder import File, build_squashfs

JOB = """\
version: 1
name: job
image: app.sif
command: [/usr/bin/app]
resources: {nodes: 2, tasks: 2}
submit: {site: box}
"""
SCRIPT = "#!/bin/sh\n#SBATCH -N 2 -n 2\nsrun --mpi=pmi2 apptainer exec app.sif /usr/bin/app\n"
PROFILE = """\
version: 1
name: {name}
access: local
scheduler: {{kind: slurm, version: "24.11.5", mpi_types: [none, pmi2, pmix], mpi_default: none,
             pmix: {{server: "5.0.7", psec: [native]}}}}
node_classes: {{compute: {{arch: {arch}, cores: 4, memory_mib: 4000, fabric: {{kind: ethernet}},
                         emulation: []}}}}
partitions: {{main: {{node_classes: [compute], nodes: 4, default: true}}}}
runtime: {{kind: apptainer, version: "1.4.5", command: apptainer, mode: userns, user_bind: true}}
filesystems: {{shared: [{share}]}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a job, a script, an image and two sites."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPCRUN_SITE_PATH", str(tmp_path / "sites"))
    (tmp_path / "sites").mkdir()
    for name, arch in (("box", "x86_64"), ("arm", "aarch64")):
        text = PROFILE.format(name=name, arch=arch, share=tmp_path)
        (tmp_path / "sites" / f"{name}.yaml").write_text(text)
    (tmp_path / "app.sif").write_bytes(image(mpi_files.program("libmpich.so.12")))
    (tmp_path / "job.yaml").write_text(JOB)
    (tmp_path / "job.sh").write_text(SCRIPT)
    return tmp_path


def image(program: bytes) -> bytes:
    """Return a SIF with MPICH and one program."""
    libraries = {
        "libmpich.so.12": File(mpi_files.mpich(needed=())),
        "libc.so.6": File(mpi_files.glibc()),
    }
    usr = {"bin": {"app": File(program)}, "lib": libraries}
    loader = {"ld.so": File(mpi_files.library("ld.so"))}
    return build_sif(build_squashfs({"usr": usr, "lib64": loader}))


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "kind"), [("app.sif", "image"), ("job.yaml", "job"), ("job.sh", "script")]
)
def test_kind_is_told_by_content_and_not_by_name(name: str, kind: str, folder: Path) -> None:
    (folder / name).rename(folder / "thing")
    assert find_kind(Path("thing")) == kind
    assert find_kind(folder) == "image"


@pytest.mark.parametrize("name", ["app.sif", "job.yaml", "job.sh"])
def test_each_kind_is_checked_at_every_site(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", name, "--site", "box", "--site", "arm"]) == ExitCode.REFUSED
    text = said(capsys)
    assert "\nbox: hybrid model by `srun --mpi=pmi2` in partition `main`\n" in text
    assert "\narm: refused: " in text
    assert "HPR202" in text


@pytest.mark.parametrize("name", ["app.sif", "job.yaml", "job.sh"])
def test_what_would_run_everywhere_is_fine(name: str) -> None:
    assert main(["check", name, "--site", "box"]) == ExitCode.OK


def test_job_is_checked_at_its_own_site(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "job.yaml"]) == ExitCode.OK
    assert "checked at site box" in said(capsys)


def test_all_sites_are_those_that_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "app.sif", "--site", "all", "--json"]) == ExitCode.REFUSED
    names = {at["site"] for at in json.loads(said(capsys))["sites"]}
    assert {"box", "arm", "lumi"} <= names


def test_broken_profile_among_all_is_told_and_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "sites" / "bad.yaml").write_text("version: 2\n")
    assert main(["check", "job.yaml", "--site", "all"]) == ExitCode.REFUSED
    text = said(capsys)
    assert "\nbad: not checked: " in text
    assert "\nbox: hybrid model" in text


def test_json_holds_to_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "job.sh", "--site", "box", "--json"]) == ExitCode.OK
    document = json.loads(said(capsys))
    schema = json.loads((resources.package_folder("schemas") / "check.json").read_text())
    jsonschema.validate(document, schema)
    assert (document["version"], document["kind"], document["input"]) == (1, "script", "job.sh")


def test_sarif_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "job.sh", "--site", "arm", "--sarif"]) == ExitCode.REFUSED
    (run,) = json.loads(said(capsys))["runs"]
    assert {"HPR202", "HPR833"} <= {result["ruleId"] for result in run["results"]}


def test_json_and_sarif_exclude_each_other() -> None:
    assert main(["check", "job.sh", "--json", "--sarif"]) == ExitCode.USAGE


def test_rule_about_a_script_can_be_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "job.sh").write_text(SCRIPT.replace("exec", "exec --cleanenv"))
    assert main(["check", "job.sh", "--site", "box"]) == ExitCode.REFUSED
    said(capsys)
    allow = ("--allow", "cleaned-environment=no MPI in it")
    assert main(["check", "job.sh", "--site", "box", *allow]) == ExitCode.OK
    text = said(capsys)
    assert "error[HPR831] (allowed)" in text
    assert "HPR004" not in text


def test_script_whose_image_is_not_here_is_told_with_all_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "job.sh").write_text(SCRIPT.replace("app.sif", "no.sif"))
    assert main(["check", "job.sh", "--site", "box"]) == ExitCode.NO_INPUT
    text = capsys.readouterr().err
    assert "there is no image" in text
    assert "HPR833" in text


def test_script_that_makes_no_job_is_refused_at_its_lines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "job.sh").write_text("#!/bin/sh\nsrun hostname\n")
    assert main(["check", "job.sh", "--site", "box"]) == ExitCode.INPUT
    assert "--> job.sh:2:1" in capsys.readouterr().err


def test_image_says_nothing_of_what_only_a_job_decides(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = folder / "sites" / "box.yaml"
    profile.write_text(
        profile.read_text().replace(
            "mpi_default: none,", "mpi_default: none, required: {account: true},"
        )
    )
    assert main(["check", "app.sif", "--site", "box"]) == ExitCode.OK
    assert "HPR105" not in said(capsys)


def test_image_without_mpi_is_asked_about_all_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "plain.sif").write_bytes(image(mpi_files.program()))
    assert main(["check", "plain.sif", "--site", "box"]) in (ExitCode.OK, ExitCode.REFUSED)
    assert "asked about a program without MPI on two nodes" in said(capsys)


def test_file_that_is_not_there_is_told() -> None:
    assert main(["check", "no.sif", "--site", "box"]) == ExitCode.NO_INPUT
    assert main(["check", "docker://debian", "--site", "box"]) == ExitCode.NO_INPUT


@pytest.mark.parametrize("form", ["--json", "--sarif"])
def test_name_that_no_json_can_hold_is_refused(form: str, folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.sif")
    (folder / name).write_bytes((folder / "app.sif").read_bytes())
    assert main(["check", name, "--site", "box", form]) == ExitCode.INPUT


def test_sarif_holds_nothing_that_a_terminal_obeys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "odd.sh"
    path.write_text(SCRIPT.replace("/usr/bin/app", "'\x9b2J' \x9b2J\u202e*"), encoding="utf-8")
    main(["check", "odd.sh", "--site", "box", "--sarif"])
    out = capsys.readouterr().out
    assert "\\u202e" in out
    assert out.replace("\n", "").isprintable()
