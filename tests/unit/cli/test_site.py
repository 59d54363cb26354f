"""`hpcrun site`: pages, JSON that holds to its schema, exit codes."""

import json
from pathlib import Path

import jsonschema
import pytest

from hpcrun import resources
from hpcrun.cli.main import main
from hpcrun.errors import ExitCode
from hpcrun.loading import load_site

PROFILE = """\
version: 1
name: fjord
description: A cluster by the sea
as_of: 2026-11-20
references: {S1: the manual of the fjord}
which: {source: S1, env: {FJORD_SITE: fjord}}
scheduler: {source: S1, version: "24.11.5", mpi_types: [none, pmi2], required: {account: true}}
node_classes: {cpu: {source: S1, arch: x86_64, cores: 128, os: {glibc: "2.28"}}}
partitions: {main: {source: S1, node_classes: [cpu], walltime_max: 24:00:00, default: true}}
runtime: {source: S1, version: "1.2.4", mode: unknown, group: container}
images: {source: S1, build: {allowed: false}, instead: the build service}
notes: [it rains]
"""


@pytest.fixture(autouse=True)
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep profiles in a folder of the test."""
    (tmp_path / "fjord.yaml").write_text(PROFILE, encoding="utf-8")
    monkeypatch.setenv("HPCRUN_SITE_PATH", str(tmp_path))
    monkeypatch.setenv("HPCRUN_SANDBOX_DIR", str(tmp_path / "no-sandboxes"))
    monkeypatch.delenv("HPCRUN_SITE", raising=False)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = ExitCode.OK) -> str:
    assert main(["site", *arguments]) == code
    return capsys.readouterr().out


def checked(text: str, name: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(text)
    schema = json.loads((resources.package_folder("schemas") / f"{name}.json").read_text())
    jsonschema.validate(document, schema)
    return document


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert "fjord" in shown(capsys, "list")
    checked(shown(capsys, "list", "--json"), "site-list")


def test_show_is_a_page_of_what_decides(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "show", "fjord")
    for words in (
        "fjord: A cluster by the sea, as of 2026-11-20",
        "none, pmi2, default unknown",
        "insists on    account",
        "cpu           x86_64, 128 cores, network unknown, glibc 2.28",
        "main          the default, of cpu, 1 d",
        "version 1.2.4, mode unknown",
        "members of the Unix group `container`",
        "builds        not allowed",
        "instead       the build service",
        "it rains",
    ):
        assert words in page
    checked(shown(capsys, "show", "fjord", "--json"), "site-show")


def test_show_sources_says_where_each_value_stands(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "show", "fjord", "--sources")
    assert (
        "scheduler.mpi_types: [none, pmi2]    [fjord.yaml:7]\n    the manual of the fjord" in text
    )
    assert "runtime.mode: unknown    [fjord.yaml:10]" in text


@pytest.mark.parametrize("options", [[], ["--sources"]])
def test_show_resolved_is_a_profile_that_says_the_same(
    capsys: pytest.CaptureFixture[str], sites: Path, options: list[str]
) -> None:
    child = "version: 1\nname: firth\nextends: fjord\nruntime: {version: '1.4.5'}\n"
    (sites / "firth.yaml").write_text(child, encoding="utf-8")
    whole = shown(capsys, "show", "firth", "--resolved", *options)
    (sites / "whole.yaml").write_text(whole, encoding="utf-8")
    assert "extends: null" in whole
    assert shown(capsys, "diff", "firth", str(sites / "whole.yaml")) == ""


def test_resolved_keeps_parts_of_which_nothing_is_known(
    capsys: pytest.CaptureFixture[str], sites: Path
) -> None:
    parts = "qos: {short: {}, source: {source: S1, nodes_max: 2}}\nlaunchers: {srun: {}}\n"
    (sites / "fjord.yaml").write_text(PROFILE + parts, encoding="utf-8")
    (sites / "whole.yaml").write_text(shown(capsys, "show", "fjord", "--resolved"))
    whole = load_site(sites / "whole.yaml")
    assert (set(whole.qos), set(whole.launchers)) == ({"short", "source"}, {"srun"})
    assert whole.qos["source"].nodes_max == 2
    assert shown(capsys, "diff", "fjord", str(sites / "whole.yaml")) == ""


def test_profile_that_says_nothing_is_sound(
    capsys: pytest.CaptureFixture[str], sites: Path
) -> None:
    (sites / "bare.yaml").write_text("version: 1\nname: bare\n", encoding="utf-8")
    assert "bare.yaml: sound, 0 values" in shown(capsys, "validate", "bare")


def test_name_of_a_file_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], sites: Path
) -> None:
    (sites / "a\x1b]0;x\x07.yaml").write_text("version: 1\nname: a\n", encoding="utf-8")
    assert "\x1b" not in shown(capsys, "list")


def test_validate(capsys: pytest.CaptureFixture[str], sites: Path) -> None:
    assert "fjord.yaml: sound, 15 values, 1 of them unknown" in shown(capsys, "validate", "fjord")
    shown(capsys, "validate", "fjord", "--strict")
    (sites / "bad.yaml").write_text("version: 1\nname: bad\nnodes: 3\n", encoding="utf-8")
    text = shown(capsys, "validate", "fjord", "bad", code=ExitCode.REFUSED)
    assert "bad.yaml: cannot be used" in text
    document = shown(capsys, "validate", "bad", "--json", code=ExitCode.REFUSED)
    checked(document, "site-validate")


def test_validate_strict_wants_sources(capsys: pytest.CaptureFixture[str], sites: Path) -> None:
    text = PROFILE.replace("{source: S1, version", "{version")
    (sites / "fjord.yaml").write_text(text, encoding="utf-8")
    shown(capsys, "validate", "fjord")
    shown(capsys, "validate", "fjord", "--strict", code=ExitCode.REFUSED)


def test_which_says_how_it_knew(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FJORD_SITE", "fjord")
    assert "fjord: `FJORD_SITE` is `fjord`" in shown(capsys, "which")
    checked(shown(capsys, "which", "--json"), "site-which")
    monkeypatch.delenv("FJORD_SITE")
    monkeypatch.setenv("HPCRUN_SITE", "fjord")
    assert "fjord: HPCRUN_SITE is `fjord`" in shown(capsys, "which")


def test_schema_is_the_one_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(shown(capsys, "schema"))
    types = schema["properties"]["scheduler"]["anyOf"][0]["properties"]["mpi_types"]
    assert types["x-probe"] == "srun --mpi=list"


def test_diff(capsys: pytest.CaptureFixture[str], sites: Path) -> None:
    text = PROFILE.replace("name: fjord", "name: firth").replace("1.2.4", "1.4.5")
    (sites / "firth.yaml").write_text(text, encoding="utf-8")
    shown_diff = shown(capsys, "diff", "fjord", "firth", code=ExitCode.REFUSED)
    assert shown_diff == "runtime.version\n  fjord  1.2.4\n  firth  1.4.5\n"
    document = shown(capsys, "diff", "fjord", "firth", "--json", code=ExitCode.REFUSED)
    checked(document, "site-diff")
