"""Images for the benchmarks: generated trees, packed by squashfs-tools; measures nothing."""

import gzip
import io
import random
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from tests.fakes.oci_builder import AMD64, Layout, config, write_layout
from tests.fakes.sif_builder import DATA_AT, build_sif

MEBI = 1 << 20


Member = tuple[str, bytes, int]
"""Name, content, mode."""


class Images:
    """The images of one run, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = _real_program().read_bytes()

    @cached_property
    def large(self) -> Path:
        """A SIF of 300 MB: 14 000 files, 700 programs among them, packed as well as real ones."""
        noise, python = random.Random(7), self._python
        members = [(f"usr/lib/python3/m{n}.py", b"x = %d\n" % n, 0o644) for n in range(13_000)]
        for number in range(700):
            start = noise.randrange(max(1, len(python) - (700 << 10)))
            body = python[: 16 << 10] + python[start : start + (700 << 10)]
            members.append((f"usr/bin/tool{number}", body + noise.randbytes(50_000), 0o755))
        members += [(f"srv/data/{n}.nii", noise.randbytes(MEBI), 0o644) for n in range(60)]
        members.append(("usr/bin/python3", self._python, 0o755))
        return self._sif("large", members)

    @cached_property
    def crowded(self) -> Path:
        """A SIF of 300 000 files."""
        return self._sif(
            "crowded",
            (
                (f"usr/share/p{n // 6000}/d{n // 100 % 60}/file{n % 100:03}", b"", 0o644)
                for n in range(300_000)
            ),
        )

    def holding(self, gibibytes: float) -> Path:
        """Return a SIF with that much content that nobody needs to read: zeros, which pack well."""
        name = f"holding-{gibibytes}"
        image = self._folder / f"{name}.sif"
        if not image.exists():
            root = self._folder / name
            (root / "srv").mkdir(parents=True)
            (root / "usr").mkdir()
            (root / "usr" / "python3").write_bytes(self._python)
            for number in range(3000):
                (root / "usr" / f"{number}.py").touch()
            for number in range(100):
                with (root / "srv" / f"{number}.dat").open("wb") as file:
                    file.truncate(int(gibibytes * (1 << 30) / 100))
            packed = self._folder / f"{name}.squashfs"
            _run("mksquashfs", root, packed, "-noappend", "-no-progress", "-no-duplicates")
            shutil.rmtree(root)
            _wrap(packed, image)
        return image

    def unpacked(self, *, n_files: int, bytes_each: int) -> Path:
        """Return an unpacked image: one program, and data that nobody needs to read."""
        root = self._folder / f"unpacked-{n_files}-{bytes_each}"
        if not root.exists():
            (root / "srv").mkdir(parents=True)
            for number in range(n_files):
                (root / "srv" / f"{number}.dat").write_bytes(b"x" * bytes_each)
            (root / "usr" / "bin").mkdir(parents=True)
            (root / "usr" / "bin" / "python3").write_bytes(self._python)
        return root

    @cached_property
    def layered(self) -> tuple[Path, Path]:
        """An OCI layout with one gzip layer of 100 MB unpacked, and that layer."""
        noise = random.Random(7)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for number in range(2000):
                mixed = noise.randbytes(8 << 10) + self._python[: 44 << 10]
                info = tarfile.TarInfo(f"usr/bin/tool{number}")
                info.size, info.mode = len(mixed), 0o755
                tar.addfile(info, io.BytesIO(mixed))
        layout = Layout()
        content = out.getvalue()
        packed = gzip.compress(content, 6)
        entry = layout.manifest([content], config(AMD64), pack=lambda _: packed)
        folder = write_layout(self._folder / "layout", layout.finished(entry))
        layer = self._folder / "layer.tar.gz"
        layer.write_bytes(packed)
        return folder, layer

    def _sif(self, name: str, members: Iterable[Member]) -> Path:
        packed, image = self._folder / f"{name}.squashfs", self._folder / f"{name}.sif"
        # From a tar, so that no file of it need be made.
        command = ["sqfstar", "-no-progress", "-no-duplicates", "-comp", "gzip", str(packed)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as packer:
            assert packer.stdin is not None
            with tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
                for path, content, mode in members:
                    info = tarfile.TarInfo(path)
                    info.size, info.mode = len(content), mode
                    tar.addfile(info, io.BytesIO(content))
        if packer.returncode:
            raise SystemExit("sqfstar failed; the package squashfs-tools 4.5 or newer has it")
        _wrap(packed, image)
        return image


FILE_SYSTEM_AT = DATA_AT + 4096
"""Where the file system of these SIFs starts."""


def _real_program() -> Path:
    """Return a large real ELF file: Python's own library, or Python where it has none."""
    folder, name = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
    library = Path(folder or "", name or "")
    return library if library.is_file() else Path(sys.executable).resolve()


def _wrap(packed: Path, image: Path) -> None:
    """Put a squashfs into a SIF, without holding it in memory."""
    size = packed.stat().st_size
    head = build_sif(b"", content_size=size)
    with image.open("wb") as out, packed.open("rb") as content:
        out.write(head)
        shutil.copyfileobj(content, out, MEBI)
    packed.unlink()


def _run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
