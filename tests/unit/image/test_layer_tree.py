"""Layers laid over each other: whiteouts, links on the way, what is kept, and where it ends."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from hpcrun.image import layer_tree, spool
from hpcrun.image.errors import ImageError
from hpcrun.image.layer_stream import open_layer
from hpcrun.image.layer_tree import LayerTree
from hpcrun.image.problems import Problems
from hpcrun.image.spool import Spool
from hpcrun.image.tree import ROOT, Found, Kind, Node, resolve_file, walk
from tests.fakes.memory_file import opened
from tests.fakes.oci_builder import Entry, build_tar, hard_link
from tests.fakes.squashfs_builder import Link

ELF = b"\x7fELF" + bytes(400_000)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened_files:
        yield opened_files


def laid(stack: ExitStack, *layers: Mapping[str, Entry], packed: bool = True) -> LayerTree:
    kept = Spool()
    stack.callback(kept.close)
    tree = LayerTree(kept)
    for entries in layers:
        content = build_tar(entries)
        extent = stack.enter_context(opened(gzip.compress(content) if packed else content))
        stream = open_layer(extent, sha256=None)
        tree.lay(stream)
        stream.finish()
    return tree


def listed(tree: LayerTree) -> dict[str, str]:
    problems = Problems()
    found = walk(
        Found(ROOT, tree.root),
        depth_max=64,
        entries_max=1000,
        skip=lambda _: False,
        problems=problems,
    )
    assert problems.lines == ()
    return {
        str(each.path): each.node.target()
        if each.node.kind is Kind.LINK
        else each.node.read_at(0, 9).decode()
        for each in found
    }


def test_later_layer_replaces_adds_and_hides(stack: ExitStack) -> None:
    lower: dict[str, Entry] = {"a/x": b"1", "a/y": b"1", "b": b"1", "c/d/e": b"1", "f": b"1"}
    upper: dict[str, Entry] = {"a/x": b"2", "a/.wh.y": b"", ".wh.c": b"", "b/new": b"2", "f": None}
    assert listed(laid(stack, lower, upper)) == {"/a/x": "2", "/b/new": "2"}


def test_whiteout_hides_nothing_of_its_own_layer(stack: ExitStack) -> None:
    lower: dict[str, Entry] = {"a/old": b"1", "a/deep/old": b"1"}
    upper: dict[str, Entry] = {"a/deep/new": b"2", "a/new": b"2", ".wh.a": b""}
    assert listed(laid(stack, lower, upper)) == {"/a/deep/new": "2", "/a/new": "2"}


@pytest.mark.parametrize("is_first", [True, False])
def test_opaque_folder_hides_all_that_was_below(stack: ExitStack, is_first: bool) -> None:
    lower: dict[str, Entry] = {"a/x": b"1", "a/d/y": b"1", "z": b"1"}
    mark: dict[str, Entry] = {"a/.wh..wh..opq": b""}
    new: dict[str, Entry] = {"a/": None, "a/d/n": b"2"}
    upper = {**mark, **new} if is_first else {**new, **mark}
    assert listed(laid(stack, lower, upper)) == {"/a/d/n": "2", "/z": "1"}


def test_links_on_the_way_are_followed_inside_the_tree(stack: ExitStack) -> None:
    lower: dict[str, Entry] = {
        "usr/lib/x": b"1",
        "lib": Link("usr/lib"),
        "abs": Link("/usr/lib"),
        "out": Link("../../../usr"),
    }
    upper: dict[str, Entry] = {"lib/y": b"2", "abs/z": b"2", "out/w": b"2", "../../up": b"2"}
    assert listed(laid(stack, lower, upper)) == {
        "/usr/lib/x": "1", "/usr/lib/y": "2", "/usr/lib/z": "2", "/usr/w": "2", "/up": "2",
        "/lib": "usr/lib", "/abs": "/usr/lib", "/out": "../../../usr",
    }  # fmt: skip


def test_hard_links_are_one_file_and_never_a_folder(stack: ExitStack) -> None:
    tree = laid(
        stack,
        {"a": b"1", "b": hard_link("./a"), "d/x": b"1", "d/loop": hard_link("d"),
         "no": hard_link("nowhere")},
    )  # fmt: skip
    assert listed(tree) == {"/a": "1", "/b": "1", "/d/x": "1"}
    entries = tree.root.entries()
    assert entries["a"].key == entries["b"].key


@pytest.mark.parametrize("packed", [True, False])
def test_programs_are_kept_whole_and_read_anywhere(stack: ExitStack, packed: bool) -> None:
    tree = laid(stack, {"p": ELF + b"end", "q": b"text"}, packed=packed)
    node: Node = tree.root.entries()["p"]
    assert node.read_at(0, 4) == b"\x7fELF"
    assert node.read_at(len(ELF), 100) == b"end"
    assert tree.root.entries()["q"].read_at(1, 2) == b"ex"


def test_other_files_are_kept_up_to_a_bound_and_say_so_beyond(stack: ExitStack) -> None:
    node = laid(stack, {"data": b"x" * 300_000}).root.entries()["data"]
    assert node.size == 300_000
    assert node.read_at(0, 1000) == b"x" * 1000
    with pytest.raises(ImageError, match="not kept"):
        node.read_at(280_000, 10)


def test_what_has_no_room_is_not_kept_and_says_so(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SPOOL_MAX", 1000)
    tree = laid(stack, {"a": b"x" * 900, "b": b"y" * 900, "c": b"z" * 10})
    entries = tree.root.entries()
    assert (entries["a"].read_at(0, 1), entries["c"].read_at(0, 1)) == (b"x", b"z")
    with pytest.raises(ImageError, match="not kept"):
        entries["b"].read_at(0, 1)


def test_path_through_a_loop_of_links_is_refused(stack: ExitStack) -> None:
    with pytest.raises(ImageError, match="too deep or a loop"):
        laid(stack, {"a": Link("b"), "b": Link("a"), "a/x": b""})


def test_path_beyond_the_depth_is_refused(stack: ExitStack) -> None:
    with pytest.raises(ImageError, match="too deep or a loop"):
        laid(stack, {"d/" * 200 + "x": b""})


def test_too_many_entries_are_refused(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_tree, "ENTRIES_MAX", 10)
    with pytest.raises(ImageError, match="more than 10 files"):
        laid(stack, {f"{number}": b"" for number in range(11)})


def test_layer_that_inflates_without_end_is_refused(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcrun.image.layer_stream.RATIO_FREE", 1 << 20)
    with pytest.raises(ImageError, match="beyond all bounds"):
        laid(stack, {"zeros": bytes(20 << 20)})


def test_file_of_a_merged_tree_is_found_by_its_path(stack: ExitStack) -> None:
    tree = laid(stack, {"usr/bin/tool": b"1", "bin": Link("usr/bin")})
    found = resolve_file(tree.root, "/bin/tool")
    assert found is not None
    assert str(found.path) == "/usr/bin/tool"
