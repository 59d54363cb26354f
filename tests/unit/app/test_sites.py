"""Listing and comparing profiles, and what `site validate` finds beyond the file's form."""

from datetime import date
from pathlib import Path

import pytest

from hpcrun.app.sites import diff_sites, list_sites, open_profile
from hpcrun.app.validate_site import Validation, validate_site
from hpcrun.model.diagnostic import Severity

TODAY = date(2026, 11, 20)
SOURCED = """\
version: 1
name: fjord
as_of: 2026-11-20
references: {S1: the manual}
runtime: {source: S1, version: "1.4.5", mode: unknown}
node_classes: {cpu: {source: S1, arch: x86_64, microarch: zen2}}
"""


def write(folder: Path, text: str, name: str = "fjord") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def validate(path: Path, *, is_strict: bool = False) -> Validation:
    return validate_site(path, environment={}, today=TODAY, is_strict=is_strict)


def told(done: Validation) -> list[tuple[str, str, int | None]]:
    return [
        (one.code, one.message, one.location.line if one.location else None)
        for one in done.diagnostics
    ]


def test_sourced_profile_is_sound_and_its_unknowns_are_reported(tmp_path: Path) -> None:
    done = validate(write(tmp_path, SOURCED), is_strict=True)
    assert told(done) == [("HPR015", "1 value is unknown", 5)]
    assert (done.is_sound, done.n_values, done.n_unknown) == (True, 4, 1)
    assert done.diagnostics[0].found == ("`runtime.mode`, line 5",)


def test_values_without_source_are_reported_by_block(tmp_path: Path) -> None:
    text = SOURCED.replace("{source: S1, arch", "{arch").replace("mode: unknown", "mode: setuid")
    lax, strict = (validate(write(tmp_path, text), is_strict=how) for how in (False, True))
    assert told(lax) == [("HPR014", "2 values of `node_classes.cpu` without a source", 6)]
    assert (lax.is_sound, strict.is_sound) == (True, False)
    assert [one.severity for one in strict.diagnostics] == [Severity.ERROR]
    assert lax.diagnostics[0].found == ("`arch`, `microarch`",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("zen2", "zen12", "archspec knows no processor `zen12`"),
        ("zen2", "a64fx", "`a64fx` is a processor of aarch64, the nodes are x86_64"),
        ("x86_64", "x86-64", "`x86-64` is no architecture"),
    ],
)
def test_processors_are_those_of_archspec(tmp_path: Path, old: str, new: str, message: str) -> None:
    done = validate(write(tmp_path, SOURCED.replace(old, new)))
    assert ("HPR016", message, 6) in told(done)


def test_passport_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    stack = "mpi_stacks: {a: {source: S1, family: mpich, prefix: /opt/a, passport: gone.json}}\n"
    done = validate(write(tmp_path, SOURCED + stack))
    assert ("HPR017", "the passport of MPI stack `a` is not there", 7) in told(done)
    assert not done.is_sound


def test_passport_of_another_stack_is_an_error(tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[3] / "site_profiles"
    passport = shipped / "sandbox-24.11.mpich-4.3.2.json"
    (tmp_path / "mpich.json").write_bytes(passport.read_bytes())
    stack = "{source: S1, family: openmpi, version: '4.3.2', prefix: /opt/a, passport: mpich.json}"
    done = validate(write(tmp_path, f"{SOURCED}mpi_stacks: {{a: {stack}}}\n"))
    what = "is of family mpich, the profile says openmpi"
    assert ("HPR017", f"the passport of MPI stack `a` {what}", 7) in told(done)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("life: {source: S1, until: 2026-11-21}", "site `fjord` ends tomorrow"),
        ("life: {source: S1, until: 2026-11-19}", "site `fjord` ended on 2026-11-19"),
        ("life: {source: S1, from: 2027-01-01}", "site `fjord` begins on 2027-01-01"),
    ],
)
def test_life_of_a_site_is_told(tmp_path: Path, key: str, message: str) -> None:
    done = validate(write(tmp_path, f"{SOURCED}{key}\n"), is_strict=True)
    assert done.is_sound
    assert message in [one.message for one in done.diagnostics if one.code == "HPR112"]


def test_old_profile_is_told(tmp_path: Path) -> None:
    done = validate(write(tmp_path, SOURCED.replace("as_of: 2026-11-20", "as_of: 2025-11-01")))
    assert ("HPR104", "the profile of `fjord` is 12 months old", 3) in told(done)


def test_faults_of_the_file_come_first_and_all_at_once(tmp_path: Path) -> None:
    done = validate(write(tmp_path, f"{SOURCED}nodes: 3\nruntmie: {{}}\n"))
    assert [one.code for one in done.diagnostics] == ["HPR001", "HPR001"]
    assert (done.is_sound, done.n_values) == (False, 0)


def test_parents_values_are_told_where_they_stand(tmp_path: Path) -> None:
    write(tmp_path, "version: 1\nname: base\nruntime: {version: unknown}\n", "base")
    done = validate(write(tmp_path, "version: 1\nname: fjord\nextends: base\n"))
    (one,) = done.diagnostics
    assert one.location is not None
    assert Path(one.location.file).name == "base.yaml"


def test_list_names_broken_profiles_too(tmp_path: Path) -> None:
    write(tmp_path, SOURCED)
    write(tmp_path, "version: 2\nname: bad\n", "bad")
    sites = {one.name: one for one in list_sites({"HPCRUN_SITE_PATH": str(tmp_path)}).sites}
    assert sites["fjord"].problem is None
    assert (sites["fjord"].as_of, sites["fjord"].n_unknown) == ("2026-11-20", 1)
    assert "1 problem" in (sites["bad"].problem or "")


def test_diff_is_about_values_and_not_about_sources(tmp_path: Path) -> None:
    other = SOURCED.replace("S1: the manual", "S1: a talk").replace("zen2", "zen3")
    other = other.replace("name: fjord", "name: firth").replace(", mode: unknown", "")
    first = open_profile(write(tmp_path, SOURCED), {})
    second = open_profile(write(tmp_path, other, "firth"), {})
    assert [(one.path, one.first, one.second) for one in diff_sites(first, second).differences] == [
        ("runtime.mode", "unknown", "absent"),
        ("node_classes.cpu.microarch", "zen2", "zen3"),
    ]
    assert diff_sites(first, first).differences == ()
