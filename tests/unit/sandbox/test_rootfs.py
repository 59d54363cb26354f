"""Where the nodes' packages come from, and what a failure of mmdebstrap is told as."""

import shlex
from pathlib import Path

import pytest

from hpcrun.errors import MissingInputError, UnavailableError, WriteError
from hpcrun.sandbox.rootfs import (
    check_slurm,
    choose_mirror,
    explain_failure,
    inside_folder,
    mmdebstrap_command,
    mmdebstrap_environment,
    recipe,
)
from hpcrun.sandbox.tools import tools_command
from hpcrun.sandbox.versions import SandboxVersion, default_version, known_versions, tools

KNOWN = """\
https://example.org/debian-security/\tstable-security\tmain\tPackages\tDebian\tDebian-Security
https://example.org/tool/\tstable\tmain\tPackages\tTool\tTool
https://example.org/debian/\tstable\tmain\tTranslations\tDebian\tDebian
https://example.org/debian/\tstable\tmain\tPackages\tDebian\tDebian
"""
UNKNOWN = """\
https://example.org/debian-security/\tbookworm-security\tmain\tPackages\t$(ORIGIN)\t$(LABEL)
https://example.org/tool/\tbookworm\tstable\tPackages\t$(ORIGIN)\t$(LABEL)
https://example.org/debian/\tbookworm\tmain\tPackages\t$(ORIGIN)\t$(LABEL)
"""


@pytest.mark.parametrize(
    ("targets", "codename", "mirror"),
    [
        (KNOWN, "bookworm", "https://example.org/debian/"),
        (KNOWN, None, "https://example.org/debian/"),
        (UNKNOWN, "bookworm", "https://example.org/debian/"),
        (UNKNOWN, "trixie", None),
        (UNKNOWN, None, None),
        ("", "bookworm", None),
        ("cdrom:[x]/\tbookworm\tmain\tPackages\tDebian\tDebian\n", "bookworm", None),
        ("https://example.org/ubuntu/\tnoble\tmain\tPackages\tUbuntu\tUbuntu\n", None, None),
    ],
    ids=[
        "labels",
        "labels-derived",
        "suite",
        "other-suite",
        "not-debian",
        "none",
        "cdrom",
        "ubuntu",
    ],
)
def test_mirror_is_the_one_that_carries_debian(
    targets: str, codename: str | None, mirror: str | None
) -> None:
    assert mirror == choose_mirror(targets, codename=codename)


def test_tools_take_nothing_but_the_named_packages_from_sid() -> None:
    argv = tools_command(Path("/t"), mirror="http://example.org/debian/")
    assert argv[-3:] == (tools().suite, "/t", "http://example.org/debian/")
    script = (inside_folder() / "recipe-sid.sh").read_text()
    words = shlex.split(next(word for word in argv if word.startswith("--setup-hook=")))
    assert words == ["--setup-hook=sh", "-c", script, "recipe-sid.sh", "$1", "apptainer"]


@pytest.mark.parametrize("version", known_versions(), ids=lambda version: version.suite)
def test_command_takes_the_suite_of_the_version(version: SandboxVersion) -> None:
    argv = mmdebstrap_command(version, Path("/t"), mirror=None)
    assert argv[-2:] == (version.suite, "/t")
    assert version.merges_usr == any("recipe-merged-usr.sh" in word for word in argv)


@pytest.mark.parametrize("found", ["24.05.2", "24.110.1", "25.11.0", None])
def test_suite_that_has_another_slurm_by_now_is_refused(found: str | None) -> None:
    installed = {} if found is None else {"slurmctld": found}
    with pytest.raises(MissingInputError, match=r"no longer have Slurm 24\.11") as error:
        check_slurm(default_version(), installed)
    assert "--slurm" in error.value.help[0]
    assert "row `24.11`" in error.value.help[1]
    check_slurm(default_version(), {"slurmctld": "24.11.5"})


def test_recipe_does_not_depend_on_where_hpcrun_lies() -> None:
    text = repr(recipe(default_version()))
    assert "site-packages" not in text
    assert str(Path(__file__).parents[3]) not in text


def test_environment_hands_on_proxies_only() -> None:
    given = {"http_proxy": "http://p:1", "NO_PROXY": "x", "SBATCH_X": "1", "PATH": "/mine"}
    seen = mmdebstrap_environment(given)
    assert {"http_proxy", "NO_PROXY", "PATH", "LC_ALL", "DEBIAN_FRONTEND"} == set(seen)
    assert seen["PATH"] != "/mine"


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("E: Could not connect to example.org:80", UnavailableError, "out of reach"),
        ("Temporary failure resolving 'example.org'", UnavailableError, "out of reach"),
        ("E: Failed to fetch x  Could not resolve 'example.org'", UnavailableError, "out of reach"),
        ("E: Unable to locate package slurmd", MissingInputError, "no such suite or packages"),
        (
            "E: The repository 'x sid Release' does not have a Release file.",
            MissingInputError,
            "no such suite or packages",
        ),
        ("tar: write error: No space left on device", WriteError, "too full"),
        ("E: something else", UnavailableError, "cannot make"),
    ],
)
def test_failure_is_told_by_its_cause(line: str, error: type[Exception], words: str) -> None:
    told = explain_failure(
        ["I: running", line, "E: mmdebstrap failed to run"], "http://example.org"
    )
    assert type(told) is error
    assert words in told.message
