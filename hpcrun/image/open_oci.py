"""Opens OCI layouts and docker archives; layers are read when the tree is first looked into."""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hpcrun.image.blobs import Blobs, FolderBlobs, TarBlobs
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Extent
from hpcrun.image.layer_stream import open_layer
from hpcrun.image.layer_tree import LayerNode, LayerTree
from hpcrun.image.oci import DOCKER, INDEX, LAYOUT, OciImage, StoredLayer, read_oci
from hpcrun.image.opened import OpenedImage, Outside
from hpcrun.image.spool import Spool
from hpcrun.image.tree import Kind
from hpcrun.model.container import ImageKind


def is_layout(folder: Path) -> bool:
    """Whether a folder is an OCI layout and not an unpacked image."""
    return (folder / LAYOUT).is_file() and (folder / INDEX).is_file()


@contextmanager
def open_layout(folder: Path, *, arch: str | None) -> Iterator[OpenedImage]:
    """Open an OCI layout folder."""
    with ExitStack() as open_files:
        blobs = FolderBlobs(folder, open_files)
        image = read_oci(blobs, arch=arch)
        size = sum(layer.file.size for layer in image.layers)
        mtime_ns = (folder / INDEX).stat().st_mtime_ns
        yield _opened("oci-layout", image, blobs, (size, mtime_ns), open_files)


@contextmanager
def open_archive(file: Extent, *, arch: str | None) -> Iterator[OpenedImage]:
    """Open a tar that `docker save` wrote, or that holds an OCI layout."""
    blobs = TarBlobs(file)
    kind: ImageKind = "docker-archive" if blobs.find(DOCKER) else "oci-archive"
    if blobs.find(DOCKER) is None and blobs.find(INDEX) is None:
        raise ImageError(
            f"`{file.name}` is a tar archive and holds no image",
            help=["a file system packed with tar can be unpacked into a folder and named so"],
        )
    image = read_oci(blobs, arch=arch)
    with ExitStack() as open_files:
        yield _opened(kind, image, blobs, (file.size, file.mtime_ns), open_files)


def _opened(
    kind: ImageKind,
    image: OciImage,
    blobs: Blobs,
    size_and_mtime: tuple[int, int],
    open_files: ExitStack,
) -> OpenedImage:
    outside = Outside(kind, *size_and_mtime, image.digest, image.digest, lambda: image.container)
    root = _LayeredRoot(image.layers, open_files)
    return OpenedImage(
        outside,
        root,
        note=image.note,
        environment=image.container.environment,
        identity=blobs.identity(),
    )


class _LayeredRoot:
    """The root of the merged tree, which is built when it is first looked into."""

    kind = Kind.FOLDER
    size = 0
    is_executable = True

    def __init__(self, layers: tuple[StoredLayer, ...], open_files: ExitStack) -> None:
        self._layers = layers
        self._open_files = open_files
        self._tree: LayerTree | None = None
        self._damage: ImageError | None = None

    @property
    def key(self) -> Hashable:
        """Identity."""
        return id(self)

    def entries(self) -> Mapping[str, LayerNode]:
        """Names in the root folder."""
        if self._damage is not None:
            raise self._damage
        if self._tree is None:
            try:
                self._tree = self._build()
            except ImageError as exc:
                self._damage = exc
                raise
        return self._tree.root.entries()

    def _build(self) -> LayerTree:
        spool = Spool()
        self._open_files.callback(spool.close)
        tree = LayerTree(spool)
        for layer in self._layers:
            stream = open_layer(layer.file, sha256=layer.sha256)
            tree.lay(stream)
            stream.finish()
        return tree

    def target(self) -> str:
        """No link."""
        return ""

    def read_at(self, offset: int, length: int) -> bytes:
        """No file."""
        raise ImageError(f"no bytes {offset} to {offset + length}: not a regular file")
