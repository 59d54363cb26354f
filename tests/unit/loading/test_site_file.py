from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hpcrun import resources
from hpcrun.errors import InputError
from hpcrun.loading import load_site, load_site_with_positions
from hpcrun.model.nodes import (
    Emulation,
    Fabric,
    FabricExpectation,
    Gpu,
    NodeClass,
    NodeOs,
    Partition,
)
from hpcrun.model.site import (
    Access,
    BuildPolicy,
    Internet,
    Life,
    MpiStack,
    Pmix,
    Prices,
    Recipe,
    SchedulerFacts,
    Source,
    SshAccess,
    Which,
)

WHOLE = """\
version: 1
name: fjord
description: A cluster by the sea
as_of: 2026-11-20
extends: null
which: {cluster_name: fjord, env: {SITE: "fjord*"}, files: {/etc/site: fjord}, hostnames: [fj-*]}
access: local
scheduler:
  kind: slurm
  version: "24.11.5"
  mpi_types: [none, pmi2, pmix, pmix_v5]
  mpi_default: none
  pmix: {server: "5.0.7", psec: [native], gds: [hash, shmem2]}
  required: {account: true, partition: false, qos: false, options: {licenses: "fsl:1"}}
  accounting: false
node_classes:
  compute:
    arch: x86_64
    microarch: x86_64_v3
    sockets: 2
    cores: 128
    threads_per_core: 1
    memory_mib: 4000
    gpus: [{model: H200, count: 4, vendor: nvidia, compute: "9.0"}]
    gpu_driver: null
    os: {id: debian, version: "13", glibc: "2.41", kernel: "6.18", user_namespaces_max: 96365}
    fabric: {kind: ethernet, providers: [tcp], devices: [eth0], expect: {latency_us_max: 100}}
    emulation: [{arch: aarch64, emulator: qemu-user, version: "10.0", flags: F}]
    node_local: /tmp
partitions:
  main: {node_classes: [compute], nodes: 2, walltime_max: "24:00:00", default: true}
  long: {node_classes: [compute], walltime_max: null}
runtime: {kind: apptainer, version: "1.4.5", command: apptainer, mode: userns,
  user_bind: true, available_on: [login, compute]}
mpi_stacks:
  openmpi-5.0.11:
    family: openmpi
    version: "5.0.11"
    prefix: /opt/hpc/openmpi-5.0.11
    pmi: [pmix]
    launchers: [mpirun]
    modules: []
    passport: fjord.openmpi-5.0.11.json
recipes: [bind, {kind: site-module, name: mpi, stack: openmpi-5.0.11, modules: [apptainer],
  env: {A: b}, binds_if_there: [/opt], mpi_type: pmix, launcher: srun, note: by the site}]
images: {build: {allowed: true, on: [login], means: [fakeroot]}, instead: null, cache: null}
filesystems: {shared: [/home], scratch: null}
internet: {login: true, compute: false}
policy: {automation: allowed}
prices: {currency: EUR, per_core_hour: 0.01, per_node_hour: null, as_of: 2026-11-20}
life: {from: null, until: 2030-01-01}
"""
HEAD = "version: 1\nname: fjord\n"


def write(folder: Path, text: str, name: str = "fjord") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_load_site_reads_every_key(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, WHOLE))
    assert site.which == Which(
        cluster_name="fjord",
        env={"SITE": "fjord*"},
        files={"/etc/site": "fjord"},
        hostnames=("fj-*",),
    )
    assert site.scheduler == SchedulerFacts.model_validate(
        {
            "version": "24.11.5",
            "mpi_types": ("none", "pmi2", "pmix", "pmix_v5"),
            "mpi_default": "none",
            "pmix": Pmix(server="5.0.7", psec=("native",), gds=("hash", "shmem2")),
            "required": {"account": True, "options": {"licenses": "fsl:1"}},
            "accounting": False,
        }
    )
    assert site.node_classes == {
        "compute": NodeClass(
            arch="x86_64",
            microarch="x86_64_v3",
            sockets=2,
            cores=128,
            threads_per_core=1,
            memory_mib=4000,
            gpus=(Gpu(model="H200", count=4, vendor="nvidia", compute="9.0"),),
            gpu_driver=None,
            os=NodeOs(
                id="debian", version="13", glibc="2.41", kernel="6.18", user_namespaces_max=96365
            ),
            fabric=Fabric(
                kind="ethernet",
                providers=("tcp",),
                devices=("eth0",),
                expect=FabricExpectation(latency_us_max=100),
            ),
            emulation=(Emulation(arch="aarch64", emulator="qemu-user", version="10.0", flags="F"),),
            node_local="/tmp",
        )
    }
    assert site.partitions == {
        "main": Partition(node_classes=("compute",), nodes=2, walltime_max_s=86400, default=True),
        "long": Partition(node_classes=("compute",), walltime_max_s=None),
    }
    assert site.mpi_stacks == {
        "openmpi-5.0.11": MpiStack(
            family="openmpi",
            version="5.0.11",
            prefix=Path("/opt/hpc/openmpi-5.0.11"),
            pmi=("pmix",),
            launchers=("mpirun",),
            passport=str(tmp_path / "fjord.openmpi-5.0.11.json"),
        )
    }
    assert site.recipes == (
        Recipe(kind="bind"),
        Recipe(
            kind="site-module",
            name="mpi",
            stack="openmpi-5.0.11",
            modules=("apptainer",),
            env={"A": "b"},
            binds_if_there=("/opt",),
            mpi_type="pmix",
            launcher="srun",
            note="by the site",
        ),
    )
    assert site.images.build == BuildPolicy(allowed=True, on=("login",), means=("fakeroot",))
    assert site.internet == Internet(login=True, compute=False)
    assert site.policy.automation == "allowed"
    assert site.prices == Prices(currency="EUR", per_core_hour=0.01, as_of=date(2026, 11, 20))
    assert site.life == Life(ends=date(2030, 1, 1))
    assert site.access.is_local
    assert (site.default_partition, site.unknowns, site.sources) == ("main", (), {})


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ("local", Access()),
        ("{prefix: [hpcrun, sandbox, exec, --]}",
         Access(prefix=("hpcrun", "sandbox", "exec", "--"))),
        ("{ssh: login.example.org}", Access(ssh=SshAccess(host="login.example.org"))),
        (
            "{ssh: {host: box, config: /etc/box/ssh_config, folder: /scratch/anna}}",
            Access(
                ssh=SshAccess(
                    host="box", config=Path("/etc/box/ssh_config"), folder=Path("/scratch/anna")
                )
            ),
        ),
        ("unknown", Access(is_stated=False)),
        ("{value: local, source: me}", Access()),
    ],
)  # fmt: skip
def test_access_in_each_form(tmp_path: Path, access: str, expected: Access) -> None:
    site = load_site(write(tmp_path, f"{HEAD}access: {access}\n"))
    assert expected == site.access
    assert site.access.is_local is (access not in ("unknown",) and expected == Access())


def test_ssh_host_that_would_be_an_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_site(write(tmp_path, f"{HEAD}access: {{ssh: -oProxyCommand=x}}\n"))


def test_leaf_with_origin_gives_value_and_source(tmp_path: Path) -> None:
    text = f"""{HEAD}scheduler:
  version: {{value: "24.11", source: "docs, page 3", as_of: 2026-01-02, confidence: documented}}
  mpi_types: {{value: [pmix, {{value: pmi2, source: heard}}], source: srun}}
"""
    site, positions = load_site_with_positions(write(tmp_path, text))
    assert (site.scheduler.version, site.scheduler.mpi_types) == ("24.11", ("pmix", "pmi2"))
    assert site.sources == {
        "scheduler.version": Source(
            source="docs, page 3", as_of=date(2026, 1, 2), confidence="documented"
        ),
        "scheduler.mpi_types": Source(source="srun"),
        "scheduler.mpi_types.1": Source(source="heard"),
    }
    place = positions.at("scheduler.version")
    assert place is not None
    assert (place.line, place.column) == (4, 20)


def every_leaf(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Give the paths of all values that are no mappings."""
    if not isinstance(tree, dict):
        return [path]
    return [leaf for key, value in tree.items() for leaf in every_leaf(value, (*path, key))]


def whole_as_tree() -> dict[str, Any]:
    from ruamel.yaml import YAML

    tree: dict[str, Any] = YAML(typ="safe", pure=True).load(WHOLE)
    return tree


def with_value(tree: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    key, *rest = path
    return {
        name: (with_value(old, tuple(rest), value) if rest else value) if name == key else old
        for name, old in tree.items()
    }


IDENTITY = {("version",), ("name",), ("extends",)}
UNKNOWABLE = [path for path in every_leaf(whole_as_tree()) if path not in IDENTITY]


@pytest.mark.parametrize("path", UNKNOWABLE, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("form", ["bare", "annotated"])
def test_every_leaf_may_be_unknown_and_is_reported(
    tmp_path: Path, path: tuple[str | int, ...], form: str
) -> None:
    import json

    value: Any = "unknown" if form == "bare" else {"value": "unknown", "source": "nobody told"}
    tree = with_value(whole_as_tree(), path, value)
    site = load_site(write(tmp_path, json.dumps(tree, default=str)))
    assert site.unknowns == (".".join(map(str, path)),)
    assert list(site.sources) == ([] if form == "bare" else [site.unknowns[0]])


@pytest.mark.parametrize("group", ["scheduler", "node_classes", "runtime", "filesystems", "which"])
def test_group_may_be_unknown(tmp_path: Path, group: str) -> None:
    assert load_site(write(tmp_path, f"{HEAD}{group}: unknown\n")).unknowns == (group,)


def test_partition_of_unknown_classes_may_hold_any(tmp_path: Path) -> None:
    text = f"""{HEAD}node_classes: {{a: {{}}, b: {{}}}}
partitions: {{main: {{node_classes: unknown}}}}
"""
    assert load_site(write(tmp_path, text)).partitions["main"].node_classes == ("a", "b")


def test_partition_of_unknown_classes_without_any_gets_an_unknown_one(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, f"{HEAD}partitions: {{main: {{node_classes: unknown}}}}\n"))
    assert site.node_classes == {"unknown": NodeClass()}
    assert site.partitions["main"].node_classes == ("unknown",)


def test_stack_of_unknown_prefix_lies_nowhere(tmp_path: Path) -> None:
    text = f"{HEAD}mpi_stacks: {{a: {{family: unknown, prefix: unknown}}}}\n"
    site = load_site(write(tmp_path, text))
    assert (site.mpi_stacks["a"].prefix, site.unknowns) == (
        None,
        ("mpi_stacks.a.family", "mpi_stacks.a.prefix"),
    )


def test_group_says_where_its_values_come_from(tmp_path: Path) -> None:
    text = f"""{HEAD}references: {{S1: the manual, S2: a talk}}
scheduler:
  source: S1
  as_of: 2026-01-02
  version: "24.11"
  mpi_types: {{value: [pmix], source: [S2, asked the admins]}}
  required: {{account: true, source: S2}}
  accounting: unknown
node_classes:
  cpu: {{source: S2, cores: 4, os: {{glibc: "2.36"}}}}
"""
    site = load_site(write(tmp_path, text))
    day = date(2026, 1, 2)
    assert site.sources == {
        "scheduler.version": Source(source="the manual", as_of=day),
        "scheduler.mpi_types": Source(source="a talk; asked the admins", as_of=day),
        "scheduler.required.account": Source(source="a talk", as_of=day),
        "node_classes.cpu.cores": Source(source="a talk"),
        "node_classes.cpu.os.glibc": Source(source="a talk"),
    }


def test_recipe_says_where_its_values_come_from(tmp_path: Path) -> None:
    text = f"""{HEAD}references: {{S1: the manual, S2: a talk}}
recipes:
  - {{source: S1, kind: hybrid, env: {{A: "1"}}, binds: [/a, /b]}}
  - {{kind: bind, note: {{value: slow, source: S2}}}}
"""
    site = load_site(write(tmp_path, text))
    assert site.sources == {
        "recipes.0.kind": Source(source="the manual"),
        "recipes.0.env.A": Source(source="the manual"),
        "recipes.0.binds": Source(source="the manual"),
        "recipes.1.note": Source(source="a talk"),
    }


def test_child_does_not_speak_with_its_parents_sources(tmp_path: Path) -> None:
    parent = """\
version: 1
name: base
node_classes: {cpu: {source: the manual, cores: 4, sockets: 2}}
"""
    write(tmp_path, parent, "base")
    child = f"{HEAD}extends: base\nnode_classes: {{cpu: {{cores: 8}}}}\n"
    site = load_site(write(tmp_path, child))
    assert site.sources == {"node_classes.cpu.sockets": Source(source="the manual")}
    own = child.replace("cores: 8", "source: I counted, cores: 8")
    site = load_site(write(tmp_path, own))
    assert site.sources == {
        "node_classes.cpu.cores": Source(source="I counted"),
        "node_classes.cpu.sockets": Source(source="the manual"),
    }


def test_two_files_may_mean_different_sources_by_one_name(tmp_path: Path) -> None:
    parent = "version: 1\nname: base\nreferences: {S1: the manual}\n"
    write(tmp_path, f"{parent}scheduler: {{source: S1, version: '24.11'}}\n", "base")
    child = f"{HEAD}extends: base\nreferences: {{S1: my notes}}\n"
    site = load_site(write(tmp_path, f"{child}runtime: {{source: S1, version: '1.4.5'}}\n"))
    assert site.sources == {
        "scheduler.version": Source(source="the manual"),
        "runtime.version": Source(source="my notes"),
    }


def test_address_is_a_source_beside_references(tmp_path: Path) -> None:
    text = (
        f"{HEAD}references: {{S1: x}}\nruntime: {{source: 'https://example.org/a', version: '1'}}\n"
    )
    site = load_site(write(tmp_path, text))
    assert site.sources["runtime.version"].source == "https://example.org/a"


def test_list_with_an_unknown_item_is_unknown(tmp_path: Path) -> None:
    text = f"""{HEAD}scheduler: {{mpi_types: [pmi2, unknown], mpi_default: pmix}}
runtime: {{available_on: [{{value: unknown, source: x}}]}}
filesystems: {{shared: [/home, unknown]}}
"""
    site = load_site(write(tmp_path, text))
    assert (site.scheduler.mpi_types, site.filesystems.shared) == ("unknown", "unknown")
    assert site.runtime.available_on == "unknown"
    assert "scheduler.mpi_types" in site.unknowns


@pytest.mark.parametrize("word", ["unknow", "Unknown", "unknwon"])
def test_misspelt_unknown_is_no_value(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError) as error:
        load_site(write(tmp_path, f"{HEAD}runtime: {{version: {word}, group: {word}}}\n"))
    assert [one.code for one in error.value.diagnostics] == ["HPR005", "HPR005"]


def test_demand_of_the_scheduler_may_be_unknown(tmp_path: Path) -> None:
    text = f"{HEAD}scheduler: {{required: {{account: unknown}}}}\n"
    assert load_site(write(tmp_path, text)).scheduler.required.account == "unknown"


def test_kinds_of_gpu_say_where_they_come_from(tmp_path: Path) -> None:
    gpus = "{source: docs page, model: A100, count: {value: 4, source: I counted}}"
    text = f"{HEAD}node_classes: {{gpu: {{source: talk given, gpus: [{gpus}], cores: 4}}}}\n"
    sources = load_site(write(tmp_path, text)).sources
    found = {path: origin.source for path, origin in sources.items()}
    assert found == {
        "node_classes.gpu.gpus.0.model": "docs page",
        "node_classes.gpu.gpus.0.count": "I counted",
        "node_classes.gpu.cores": "talk given",
    }


@pytest.mark.parametrize(
    "text",
    [
        "node_classes: {a: {os: {glibc: '2.36'}}}\npartitions: {p: {node_classes: [a.os]}}",
        "mpi_stacks: {s: {family: mpich, prefix: /opt}}\nrecipes: [{kind: bind, stack: s.prefix}]",
    ],
)
def test_key_of_a_part_is_no_part(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as error:
        load_site(write(tmp_path, f"{HEAD}{text}\n"))
    assert [one.code for one in error.value.diagnostics] == ["HPR010"]


def test_part_of_a_group_that_is_unknown_may_be_named(tmp_path: Path) -> None:
    text = f"{HEAD}mpi_stacks: unknown\nrecipes: [{{kind: bind, stack: cray}}]\n"
    assert load_site(write(tmp_path, text)).recipes[0].stack == "cray"


CONTRADICTIONS = {
    "unlisted-reference": "references: {S1: x}\nruntime: {source: S2, version: '1'}",
    "unknown-qos": "qos: {short: {}}\nnode_classes: {a: {}}\n"
    "partitions: {p: {node_classes: [a], qos: [shirt]}}",
    "unknown-stack": "recipes: [{kind: bind, stack: openmpi}]",
    "unknown-launcher": "launchers: {srun: {}}\nrecipes: [{kind: bind, launcher: ibrun}]",
    "default-not-offered": "scheduler: {mpi_types: [none, pmi2], mpi_default: pmix}",
    "recipe-not-offered": "scheduler: {mpi_types: [none]}\n"
    "recipes: [{kind: hybrid, mpi_type: pmi2}]",
    "nodes-min-above-max": "node_classes: {a: {}}\n"
    "partitions: {p: {node_classes: [a], nodes_min: 4, nodes_max: 2}}",
    "job-larger-than-partition": "node_classes: {a: {}}\n"
    "partitions: {p: {node_classes: [a], nodes: 4, nodes_max: 8}}",
    "cores-not-shared-out": "node_classes: {a: {sockets: 2, cores: 5}}",
    "more-reserved-than-there": "node_classes: {a: {cores: 4, cores_reserved: 8}}",
    "ends-before-it-begins": "life: {from: 2026-01-02, until: 2026-01-01}",
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_values_that_cannot_all_be_true(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as error:
        load_site(write(tmp_path, f"{HEAD}{CONTRADICTIONS[name]}\n"))
    (found,) = error.value.diagnostics
    assert found.code == ("HPR010" if "unknown" in name or "unlisted" in name else "HPR013")
    assert found.location is not None
    assert found.help


def test_child_wins_over_parent_key_by_key(tmp_path: Path) -> None:
    write(tmp_path, WHOLE.replace("name: fjord", "name: base"), "base")
    child = """\
version: 1
name: fjord
extends: base
access: {prefix: [enter]}
scheduler: {version: unknown, mpi_types: [pmi2]}
recipes: []
node_classes:
  compute: {cores: {value: 4, source: seen}, fabric: {providers: unknown}}
  fat: {arch: aarch64}
partitions: {main: {nodes: 8}}
"""
    site, positions = load_site_with_positions(write(tmp_path, child))
    compute = site.node_classes["compute"]
    assert (site.name, site.description, site.extends) == ("fjord", "", "base")
    assert site.access == Access(prefix=("enter",))
    assert (site.scheduler.version, site.scheduler.mpi_types) == ("unknown", ("pmi2",))
    assert (compute.cores, compute.sockets, compute.fabric.kind) == (4, 2, "ethernet")
    assert compute.fabric.providers == "unknown"
    assert site.node_classes["fat"] == NodeClass(arch="aarch64")
    assert site.partitions["main"] == Partition(
        node_classes=("compute",), nodes=8, walltime_max_s=86400, default=True
    )
    assert positions.files == (tmp_path / "fjord.yaml", tmp_path / "base.yaml")
    files = {key: positions.at(key) for key in ("partitions.main.nodes", "runtime.kind")}
    assert [Path(place.file).stem for place in files.values() if place] == ["fjord", "base"]


def test_parent_is_looked_for_beside_then_in_search(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, "version: 1\nname: base\naccess: {ssh: far}\n", "base")
    child = write(tmp_path, f"{HEAD}extends: base\n")
    assert load_site(child, search=[other]).access.ssh == SshAccess(host="far")
    write(tmp_path, "version: 1\nname: base\naccess: {ssh: near}\n", "base")
    assert load_site(child, search=[other]).access.ssh == SshAccess(host="near")


def test_passport_stands_beside_the_profile_that_names_it(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stack = "mpi_stacks: {a: {family: mpich, prefix: /opt/a, passport: a.json}}\n"
    write(other, f"version: 1\nname: base\n{stack}", "base")
    child = f"{HEAD}extends: base\nmpi_stacks: {{a: {{version: '4'}}}}\n"
    site = load_site(write(tmp_path, child), search=[other])
    assert site.mpi_stacks["a"].passport == str(other / "a.json")


def test_grandparents_count_until_there_are_too_many(tmp_path: Path) -> None:
    write(tmp_path, "version: 1\nname: p0\naccess: {ssh: far}\n", "p0")
    for number in range(1, 12):
        write(tmp_path, f"version: 1\nname: p{number}\nextends: p{number - 1}\n", f"p{number}")
    assert load_site(tmp_path / "p7.yaml").access.ssh == SshAccess(host="far")
    with pytest.raises(InputError) as error:
        load_site(tmp_path / "p11.yaml")
    assert [d.code for d in error.value.diagnostics] == ["HPR011"]


@pytest.mark.parametrize("parent", [None, "- a list", "a: [", "name: base\nextends: gone"])
def test_what_a_parent_may_hold_is_not_missed_where_it_cannot_be_read(
    tmp_path: Path, parent: str | None
) -> None:
    if parent is not None:
        write(tmp_path, parent, "base")
    child = f"""{HEAD}extends: base
runtime: {{kind: rocket}}
partitions: {{main: {{node_classes: [compute]}}}}
mpi_stacks: {{a: {{version: "4"}}}}
"""
    with pytest.raises(InputError) as error:
        load_site(write(tmp_path, child))
    codes = [d.code for d in error.value.diagnostics]
    assert codes[0 if parent and "gone" not in parent else -1] in ("HPR005", "HPR007", "HPR011")
    assert "HPR005" in codes
    assert {"HPR006", "HPR010"} & set(codes) == set()


@pytest.mark.parametrize("name", ["../fjord", "a/b", "-x", ""])
def test_parent_is_a_name_not_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as error:
        load_site(write(tmp_path, f"{HEAD}extends: '{name}'\n"))
    assert [d.code for d in error.value.diagnostics] == ["HPR005"]


@pytest.mark.parametrize(
    "path", sorted(resources.site_profiles_folder().glob("*.yaml")), ids=lambda p: p.stem
)
def test_shipped_profile_loads_and_its_passports_are_there(path: Path) -> None:
    site = load_site(path)
    assert site.name == path.stem
    passports = [Path(stack.passport) for stack in site.mpi_stacks.values() if stack.passport]
    assert [p for p in passports if not p.is_file()] == []
