"""What is fuzzed: one function per reader of a stranger's bytes, and seeds that are sound.

A target may raise ImageError; anything else, a run that does not end and a heap that grows beyond
the bound are bugs.
"""

import gzip
import json
import resource
import signal
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NamedTuple

import zstandard

from hpcrun.errors import InputError
from hpcrun.image.container import read_sif_container, squashfs_facts, with_tree
from hpcrun.image.environment import read_environment
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Extent
from hpcrun.image.layer_stream import open_layer
from hpcrun.image.layer_tree import LayerTree
from hpcrun.image.layout_digest import sif_digest, squashfs_digest
from hpcrun.image.oci import read_oci
from hpcrun.image.open_oci import open_archive
from hpcrun.image.problems import Problems
from hpcrun.image.sif import read_sif
from hpcrun.image.spool import Spool
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.tree import ROOT, Found, Kind, Node, resolve, walk
from hpcrun.model.container import ContainerFacts
from tests.fakes import mpi_files
from tests.fakes.memory_file import opened
from tests.fakes.oci_builder import AMD64, Layout, build_tar, config, docker_archive, hard_link
from tests.fakes.sif_builder import Object, build_sif
from tests.fakes.squashfs_builder import File, Link, Tree, build_squashfs
from tests.fuzz import sbatch_target
from tests.fuzz.elf_target import SEEDS, run_elf
from tests.fuzz.sbatch_target import run_sbatch

RUN_MAX_S = 10.0
HEAP_MAX = 256 << 20


class HangError(Exception):
    """A run took too long."""


class HeapError(Exception):
    """A run took too much memory."""


class Target(NamedTuple):
    """A reader and the images from which its mutations start."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def try_target(target: Target, data: bytes) -> None:
    """Run a target once; raise where it found a bug."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _ends_in_time(), suppress(ImageError, InputError):
        target.run(data)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if grown > HEAP_MAX >> 10:
        raise HeapError(f"the run took {grown >> 10} MiB")


@contextmanager
def _ends_in_time() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise HangError(f"the run took more than {RUN_MAX_S} s")

    former = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, RUN_MAX_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _visit(root: Node) -> None:
    """Do with a tree what passports do: walk, look paths up, read heads, links, modes."""
    for entry in walk(
        Found(ROOT, root),
        depth_max=32,
        entries_max=500,
        skip=lambda _: False,
        problems=Problems(),
    ):
        with suppress(ImageError):
            _look_at(entry.node)
    for path in ("/lib/libmpi.so.40", "/usr/bin/script", "/bin/../loop/x"):
        with suppress(ImageError):
            resolve(root, path)
    with suppress(ImageError):
        with_tree(ContainerFacts(), root)
    with suppress(ImageError):
        read_environment(root)


def _look_at(node: Node) -> None:
    if node.kind is Kind.LINK:
        node.target()
    elif node.kind is Kind.FILE and (node.is_executable or node.size):
        node.read_at(0, 4)
        node.read_at(max(0, node.size - 100), 100)
        node.read_at(0, 10_000)


def run_sif(data: bytes) -> None:
    with opened(data) as file:
        sif = read_sif(file)
        read_sif_container(file, sif).model_dump_json()
        sif_digest(file, sif, None)


def run_squashfs(data: bytes) -> None:
    with opened(data) as file:
        squashfs = Squashfs(file)
        squashfs_facts(squashfs)
        squashfs_digest(file, squashfs.superblock)
        _visit(squashfs.root)


def run_layers(data: bytes) -> None:
    """The bytes are a layer over a sound one: plain, gzip or zstd as their start says."""
    spool = Spool()
    try:
        tree = LayerTree(spool)
        for content in (_BASE, data):
            with opened(content) as file:
                stream = open_layer(file, sha256=None)
                tree.lay(stream)
                stream.finish()
        with opened(data):
            _visit(tree.root)
    finally:
        spool.close()


def run_archive(data: bytes) -> None:
    with opened(data) as file, open_archive(file, arch="x86_64") as image:
        image.outside.describe().model_dump_json()
        if image.root is not None:
            image.root.entries()
            _visit(image.root)


class _Documents:
    """A docker archive or OCI layout of which only the JSON is a stranger's."""

    def __init__(self, files: dict[str, Extent]) -> None:
        self._files = files

    def find(self, name: str) -> Extent | None:
        return self._files.get(name)

    def identity(self) -> bytes:
        return b""


def run_json(data: bytes) -> None:
    """The bytes are the list of images and a configuration, parted by an empty byte."""
    manifest, _, said = data.partition(b"\0")
    name = "manifest.json" if manifest[:1] == b"[" else "index.json"
    with opened(manifest) as listed, opened(said) as configured, opened(_BASE) as layer:
        files = {name: listed, "config.json": configured, "layer.tar": layer}
        image = read_oci(_Documents(files), arch=None)
        image.container.model_dump_json()


_TREE: dict[str, Tree] = {
    "lib": {"libmpi.so.40": mpi_files.open_mpi(), "x": b"y" * 9000, "empty": b""},
    "usr": {"bin": {"tool": File(b"\x7fELF" + bytes(60)), "script": File(b"#!/bin/sh\n")}},
    "bin": Link("usr/bin"),
    "loop": Link("loop"),
    ".singularity.d": {"env": {"10.sh": b"export PATH=/usr/bin\n"}, "labels.json": b'{"a": "b"}'},
}
_BASE = build_tar({"usr/bin/tool": b"\x7fELF", "lib": Link("usr/lib"), "a/b": b"1"})
_UPPER = build_tar(
    {
        "a/.wh..wh..opq": b"",
        "n" * 150 + "/\u00e4": b"long",
        "lib/x": File(b"\x7fELF" + bytes(2000)),
        "again": hard_link("lib/x"),
        "usr/bin/.wh.tool": b"",
        "text": b"#!/bin/sh\n",
    }
)
_CONFIG = config(AMD64, Env=["PATH=/bin", "A=b"], Cmd=["sh"], Labels={"a": "b"})


def _oci_archive() -> bytes:
    layout = Layout()
    entry = layout.index([layout.manifest([_BASE], _CONFIG)])
    return build_tar(layout.finished(entry))


def _json_seeds() -> Iterator[bytes]:
    said = json.dumps(_CONFIG).encode()
    entry = {"Config": "config.json", "RepoTags": ["a:b"], "Layers": ["layer.tar"]}
    yield json.dumps([entry]).encode() + b"\0" + said
    yield b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "platform": {}}]}\0' + said


TARGETS: dict[str, Target] = {
    "sif": Target(
        run_sif,
        (
            build_sif(
                b"x" * 100,
                objects=[Object(0x4005, b"-----BEGIN PGP", link=1), Object(0x4003, b'{"a": 1}')],
            ),
        ),
    ),
    "squashfs": Target(
        run_squashfs,
        (
            build_squashfs(_TREE, compress=lambda data: data),
            build_squashfs(_TREE, compress=zlib.compress),
        ),
    ),
    "layers": Target(
        run_layers,
        (
            _UPPER,
            gzip.compress(_UPPER, mtime=0),
            zstandard.compress(_UPPER),
            build_tar({"a/b": b"2"}),
        ),
    ),
    "archive": Target(run_archive, (docker_archive([_BASE, _UPPER], _CONFIG), _oci_archive())),
    "json": Target(run_json, tuple(_json_seeds())),
    "elf": Target(run_elf, SEEDS),
    "sbatch": Target(run_sbatch, sbatch_target.SEEDS),
}
