import os
import re
from pathlib import Path

import pytest

from hpcrun import resources
from hpcrun.errors import InputError, MissingInputError, NotPermittedError, UsageError
from hpcrun.model.site import Which
from hpcrun.site import find_site, identify_site
from hpcrun.site.folders import list_profiles, profile_folders, sandbox_state_folder
from hpcrun.site.trust import check_choice
from hpcrun.site.which import Surroundings, matching, read_surroundings

HOSTNAME = os.uname().nodename
SHIPPED = ", ".join(
    f"`{path.stem}`" for path in sorted(resources.site_profiles_folder().glob("*.yaml"))
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the root under which /etc is looked for."""
    sites = tmp_path / "root" / "etc" / "hpcrun" / "sites"
    sites.mkdir(parents=True)
    return tmp_path / "root"


def profile(folder: Path, name: str, text: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(f"version: 1\nname: {name}\n{text}", encoding="utf-8")
    path.chmod(0o644)
    return path


def etc(root: Path) -> Path:
    return root / "etc" / "hpcrun" / "sites"


def test_site_by_name_comes_from_the_first_folder(root: Path, tmp_path: Path) -> None:
    profile(etc(root), "fjord", "description: the site's\n")
    environment = {"HPCRUN_SITE_PATH": f"{tmp_path / 'none'}::{tmp_path / 'mine'}"}
    assert find_site("fjord", environment=environment, root=root).description == "the site's"
    mine = profile(tmp_path / "mine", "fjord", "description: mine\n")
    found = identify_site("fjord", environment=environment, root=root)
    assert (found.site.description, found.path, found.how) == (
        "mine",
        mine,
        "`fjord` was asked for",
    )


@pytest.mark.parametrize("name", ["{folder}/fjord.yaml", "fjord.yaml", "./fjord.yaml"])
def test_site_by_path(
    root: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = profile(tmp_path, "fjord")
    monkeypatch.chdir(tmp_path)
    found = identify_site(name.format(folder=tmp_path), environment={}, root=root)
    assert (found.site.name, found.path) == ("fjord", path)


def test_sandboxes_that_exist_have_sites(root: Path, tmp_path: Path) -> None:
    profile(tmp_path / "state" / "box" / "sites", "box")
    environment = {"HPCRUN_SANDBOX_DIR": str(tmp_path / "state")}
    assert find_site("box", environment=environment, root=root).name == "box"


def test_shipped_profiles_are_found_by_name_and_as_parents(root: Path) -> None:
    profile(etc(root), "box", "extends: sandbox-24.11\n")
    assert find_site("sandbox-24.11", environment={}, root=root).name == "sandbox-24.11"
    found = identify_site("box", environment={}, root=root)
    assert found.site.scheduler.kind == "slurm"
    assert found.files[1].parent == resources.site_profiles_folder()


def test_name_that_no_site_has_tells_which_there_are(root: Path) -> None:
    profile(etc(root), "fjord")
    with pytest.raises(MissingInputError, match="there is no site `fjrod`") as error:
        find_site("fjrod", environment={}, root=root)
    assert error.value.help[0] == "did you mean `fjord`?"
    assert error.value.help[1].startswith(f"sites here: `fjord`, {SHIPPED} (looked in ")


def test_profile_under_another_name_is_refused(root: Path) -> None:
    profile(etc(root), "fjord").rename(etc(root) / "bay.yaml")
    with pytest.raises(InputError, match=r"bay\.yaml` calls its site `fjord`"):
        find_site("bay", environment={}, root=root)
    assert find_site(str(etc(root) / "bay.yaml"), environment={}, root=root).name == "fjord"


def test_hpcrun_site_names_the_site(root: Path) -> None:
    profile(etc(root), "fjord")
    found = identify_site("auto", environment={"HPCRUN_SITE": "fjord"}, root=root)
    assert (found.site.name, found.how) == ("fjord", "HPCRUN_SITE is `fjord`")


def test_site_is_known_by_the_cluster_name(root: Path) -> None:
    (root / "etc" / "slurm").mkdir()
    (root / "etc" / "slurm" / "slurm.conf").write_text(
        "# ClusterName=no\n clustername = fjord #x\n"
    )
    profile(etc(root), "fjord", "which: {cluster_name: fjord}\n")
    profile(etc(root), "other", "which: {cluster_name: other}\n")
    found = identify_site(environment={}, root=root)
    assert (found.site.name, found.how) == ("fjord", "Slurm's ClusterName is `fjord`")


def test_child_is_taken_before_the_profile_that_it_extends(root: Path) -> None:
    profile(etc(root), "base", f"which: {{hostnames: ['{HOSTNAME}']}}\n")
    profile(etc(root), "child", "extends: base\n")
    assert identify_site(environment={}, root=root).site.name == "child"


def test_two_sites_that_fit_are_told(root: Path) -> None:
    for name in ("fjord", "bay"):
        profile(etc(root), name, "which: {env: {SITE: '*'}}\n")
    with pytest.raises(UsageError, match=re.escape("2 sites fit here: `bay` (`SITE` is `x`), ")):
        find_site(environment={"SITE": "x"}, root=root)


def test_no_site_that_fits_tells_what_there_is_and_what_is_broken(root: Path) -> None:
    profile(etc(root), "fjord", "which: {env: {SITE: fjord}}\n")
    profile(etc(root), "broken", "which: {colour: blue}\n")
    with pytest.raises(MissingInputError, match="cannot tell which site this is") as error:
        find_site(environment={"SITE": "bay"}, root=root)
    helps = "\n".join(error.value.help)
    assert f"sites here: `broken`, `fjord`, {SHIPPED} (looked in " in helps
    assert "a profile cannot be read: cannot use `" in helps


def test_broken_profile_of_another_site_does_not_matter(root: Path) -> None:
    profile(etc(root), "broken", "which: {colour: blue}\n")
    profile(etc(root), "fjord", "which: {env: {SITE: fjord}}\n")
    assert find_site(environment={"SITE": "fjord"}, root=root).name == "fjord"
    with pytest.raises(InputError):
        find_site("broken", environment={}, root=root)


def test_profile_that_cannot_tell_where_it_belongs_is_not_read(root: Path) -> None:
    profile(etc(root), "unread", "which: unknown  # nobody told\nextends: null\nrocket: 1\n")
    profile(etc(root), "read", "extends: null-and-void\n")
    with pytest.raises(MissingInputError) as error:
        find_site(environment={}, root=root)
    notes = [line for line in error.value.help if "cannot be read" in line]
    assert [re.sub(r".*/|`.*", "", note) for note in notes] == ["read.yaml"]


HERE = Surroundings({"SITE": "fjord-1", "EMPTY": ""}, "login3", "fjord")


@pytest.mark.parametrize(
    ("which", "fits"),
    [
        (Which(), False),
        (Which(cluster_name="fjord"), True),
        (Which(cluster_name="bay"), False),
        (Which(env={"SITE": "fjord*"}), True),
        (Which(env={"SITE": "bay"}), False),
        (Which(env={"SITE": ""}), True),
        (Which(env={"EMPTY": ""}), True),
        (Which(env={"NONE": ""}), False),
        (Which(hostnames=("bay*", "login?")), True),
        (Which(hostnames=("log",)), False),
        (Which(cluster_name="fjord", hostnames=("login*",)), True),
        (Which(cluster_name="fjord", hostnames=("bay",)), False),
        (Which(files={"/etc/site": "fjord"}), True),
        (Which(files={"/etc/site": ""}), True),
        (Which(files={"/etc/site": "bay"}), False),
        (Which(files={"/etc/none": ""}), False),
        (Which(files={"/etc": ""}), False),
    ],
)
def test_all_that_which_names_must_fit(which: Which, fits: bool, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "site").write_text("name: fjord\n")
    here = Surroundings(HERE.environment, HERE.hostname, HERE.cluster_name, root=tmp_path)
    assert fits is (matching(which, here) is not None)


def test_cluster_name_comes_from_where_slurm_conf_is(tmp_path: Path) -> None:
    chosen = tmp_path / "my.conf"
    chosen.write_text("ClusterName=mine\n")
    for place, name in (("run/slurm/conf", "configless"), ("etc/slurm", "local")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "slurm.conf").write_text(f"ClusterName={name}\n")
        assert read_surroundings({}, root=tmp_path).cluster_name == name
    assert read_surroundings({"SLURM_CONF": str(chosen)}, root=tmp_path).cluster_name == "mine"
    assert read_surroundings({"SLURM_CONF": "/none"}, root=tmp_path).cluster_name is None


@pytest.mark.parametrize("name", ["/proc/version", "/sys/kernel/notes", "link", "pipe", "."])
def test_only_plain_files_on_a_disk_tell_sites_apart(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/proc/version")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "plain").write_text("Linux")
    root = Path("/") if name.startswith("/") else tmp_path
    here = read_surroundings({}, root=root)
    assert matching(Which(files={name: ""}), here) is None
    here = read_surroundings({}, root=tmp_path)
    assert matching(Which(files={"plain": "Lin"}), here) == ("`plain` is there",)


@pytest.mark.parametrize("access", ["{prefix: [enter]}", "{ssh: fjord}"])
def test_writable_profile_that_names_a_command_is_refused(root: Path, access: str) -> None:
    path = profile(etc(root), "fjord", f"access: {access}\n")
    assert identify_site("fjord", environment={}, root=root).warnings == ()
    path.chmod(0o646)
    with pytest.raises(NotPermittedError, match="names a command to run") as error:
        find_site("fjord", environment={}, root=root)
    assert error.value.exit_code == 77


@pytest.fixture
def included(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that the configuration of a site's ssh includes by way of another."""
    home = tmp_path / "anna"
    (home / ".ssh" / "conf.d").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    last = home / "more" / "last"
    last.parent.mkdir()
    last.write_text("Host *\n")
    (home / ".ssh" / "conf.d" / "10").write_text(f'Include "{last}"\n')
    config = home / "config"
    config.write_text("Host fjord\n  include =conf.d/* ~/none\n")
    profile(etc(root), "fjord", f"access: {{ssh: {{host: fjord, config: {config}}}}}\n")
    return last


def test_file_that_an_ssh_configuration_includes_is_looked_at(root: Path, included: Path) -> None:
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    included.chmod(0o646)
    with pytest.raises(NotPermittedError, match="others can change it") as error:
        find_site("fjord", environment={}, root=root)
    assert str(included) in error.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Include %d/x", "which only ssh can tell"),
        ("Include ${WORK}/x", "which only ssh can tell"),
        ("Include ~/deep/*", "includes more files than are looked at"),
        ("Include '/deep/x'", "only ssh can tell"),
        ('Include /deep/"x"', "only ssh can tell"),
        ('Include "/deep/x', "only ssh can tell"),
        ("Include /deep\\ /x", "only ssh can tell"),
        ("Include a=b", "only ssh can tell"),
        ("Include conf.d/[^a]", "only ssh can tell"),
        ("Include ~nobody-of-that-name/x", "includes `~nobody-of-that-name/x`"),
    ],
)
def test_ssh_configuration_that_cannot_be_looked_through_is_refused(
    root: Path, included: Path, text: str, said: str
) -> None:
    deep = included.parent.parent / "deep"
    deep.mkdir()
    for number in range(20):
        (deep / str(number)).write_text(f"Include {deep}/{number + 1}\n")
    included.write_text(text.replace("deep/*", "deep/0") + "\n")
    with pytest.raises(NotPermittedError, match=said):
        find_site("fjord", environment={}, root=root)


@pytest.mark.parametrize(
    "line",
    [
        'Include "{}"',
        '"Include" {}',
        '"include"{}',
        'Incl"ude" {}',
        "=Include {}",
        " \t= INCLUDE\t=  {} # mine",
        "Include\r{}\r",
        "Include none {}\f",
    ],
)
def test_include_is_found_however_ssh_takes_it(root: Path, included: Path, line: str) -> None:
    (deep := included.with_name("deep")).write_text("Host *\n")
    included.write_text(line.replace("{}", str(deep)) + "\n", newline="")
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    deep.chmod(0o646)
    with pytest.raises(NotPermittedError, match="others can change it"):
        find_site("fjord", environment={}, root=root)


@pytest.mark.parametrize("name", ["none/yet", "*", "*/*/x", "none*/x"])
def test_folder_in_which_others_could_make_an_included_file_is_refused(
    root: Path, included: Path, name: str
) -> None:
    (open_to_all := included.parent / "open").mkdir()
    included.write_text(f"Include {open_to_all}/{name}\n")
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    # The sticky bit keeps what is there, and lets others make more.
    open_to_all.chmod(0o1777)
    with pytest.raises(NotPermittedError, match="others can make what is not there yet") as error:
        find_site("fjord", environment={}, root=root)
    assert str(open_to_all) in error.value.message


def test_folder_in_which_others_could_make_the_configuration_is_refused(
    root: Path, tmp_path: Path
) -> None:
    (open_to_all := tmp_path / "open").mkdir()
    config = open_to_all / "config"
    profile(etc(root), "fjord", f"access: {{ssh: {{host: fjord, config: {config}}}}}\n")
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    open_to_all.chmod(0o1777)
    with pytest.raises(NotPermittedError, match="others can make what is not there yet"):
        find_site("fjord", environment={}, root=root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_folder_of_a_project_lets_its_group_replace_a_profile(root: Path) -> None:
    profile(etc(root), "fjord", "access: {prefix: [enter]}\n")
    etc(root).chmod(0o2775)
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    os.chown(etc(root), 0, 4242)
    etc(root).chmod(0o2775)
    with pytest.raises(NotPermittedError, match="others can replace it"):
        find_site("fjord", environment={}, root=root)


def test_folder_to_which_a_link_leads_counts_too(root: Path, tmp_path: Path) -> None:
    target = profile(tmp_path / "real", "fjord", "access: {prefix: [enter]}\n")
    (tmp_path / "middle").mkdir()
    (tmp_path / "middle" / "m").symlink_to(target)
    (etc(root) / "fjord.yaml").parent.mkdir(parents=True, exist_ok=True)
    (etc(root) / "fjord.yaml").symlink_to(tmp_path / "middle" / "m")
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    for folder in (tmp_path / "middle", target.parent):
        folder.chmod(0o777)
        with pytest.raises(NotPermittedError, match="others can replace it") as error:
            find_site("fjord", environment={}, root=root)
        assert str(folder) in error.value.message
        folder.chmod(0o755)


def test_configuration_of_ssh_that_cannot_be_looked_at_is_a_doubt(
    root: Path, tmp_path: Path
) -> None:
    config = tmp_path / ("x" * 300)
    profile(etc(root), "fjord", f"access: {{ssh: {{host: fjord, config: {config}}}}}\n")
    with pytest.raises(NotPermittedError, match="it cannot be looked at: File name too long"):
        find_site("fjord", environment={}, root=root)


def test_parent_counts_too(root: Path) -> None:
    profile(etc(root), "base", "access: {prefix: [enter]}\n").chmod(0o666)
    profile(etc(root), "fjord", "extends: base\n")
    with pytest.raises(NotPermittedError, match=r"base\.yaml"):
        find_site("fjord", environment={}, root=root)


def test_profile_in_a_folder_that_all_can_write_is_refused(root: Path) -> None:
    profile(etc(root), "fjord", "access: {prefix: [enter]}\n")
    etc(root).chmod(0o777)
    with pytest.raises(NotPermittedError, match="others can replace it"):
        find_site("fjord", environment={}, root=root)
    etc(root).chmod(0o1777)
    assert find_site("fjord", environment={}, root=root).name == "fjord"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_profile_of_somebody_else_is_refused(root: Path) -> None:
    path = profile(etc(root), "fjord", "access: {prefix: [enter]}\n")
    os.chown(path, 4242, 4242)
    with pytest.raises(NotPermittedError, match="belongs to user 4242"):
        find_site("fjord", environment={}, root=root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_group_may_write_where_it_is_the_owners_own(root: Path) -> None:
    path = profile(etc(root), "fjord", "access: {prefix: [enter]}\n")
    path.chmod(0o664)
    assert find_site("fjord", environment={}, root=root).name == "fjord"
    os.chown(path, 0, 4242)
    with pytest.raises(NotPermittedError, match="others can change it"):
        find_site("fjord", environment={}, root=root)


def test_writable_profile_that_names_no_command_gets_a_warning(root: Path) -> None:
    profile(etc(root), "fjord", "access: local\n").chmod(0o646)
    found = identify_site("fjord", environment={}, root=root)
    assert [(w.code, w.found) for w in found.warnings] == [
        ("HPR012", ("others can change it (mode 0646)",))
    ]


def test_folders_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    environment = {"HPCRUN_SITE_PATH": "/none", "HPCRUN_SANDBOX_DIR": "/none"}
    assert profile_folders(environment, root=tmp_path) == (resources.site_profiles_folder(),)
    assert list_profiles([]) == {}


@pytest.mark.parametrize("chosen", [None, "~/boxes", "relative", "/a/../b"])
def test_state_folder_is_that_of_the_sandbox(chosen: str | None) -> None:
    from hpcrun.sandbox.places import state_root

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HPCRUN_SANDBOX_DIR", raising=False)
        if chosen is not None:
            patch.setenv("HPCRUN_SANDBOX_DIR", chosen)
        assert sandbox_state_folder(os.environ) == state_root()


@pytest.mark.parametrize("access", ["{prefix: [enter]}", "{ssh: far}"])
def test_command_of_a_profile_that_a_file_chose_needs_a_place_of_profiles(
    root: Path, tmp_path: Path, access: str
) -> None:
    text = f"access: {access}\n"
    kept = find_site(str(profile(etc(root), "kept", text)), environment={}, root=root)
    brought = find_site(str(profile(tmp_path / "x", "brought", text)), environment={}, root=root)
    local = find_site(str(profile(tmp_path / "x", "here", "access: local\n")), environment={})
    for site in (kept, local):
        check_choice(site, [etc(root)], by="run `r`")
    with pytest.raises(NotPermittedError, match=r"run `r` chooses the profile `.*brought.yaml`"):
        check_choice(brought, [etc(root)], by="run `r`")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_profile_in_a_folder_of_another_user_is_refused_where_it_names_a_command(
    root: Path, tmp_path: Path
) -> None:
    path = profile(tmp_path / "theirs", "fjord", "access: {prefix: [enter]}\n")
    os.chown(path.parent, 1000, 1000)
    with pytest.raises(NotPermittedError, match="user 1000, to whom its folder belongs"):
        find_site(str(path), environment={}, root=root)
