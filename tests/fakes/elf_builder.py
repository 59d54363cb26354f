"""Builds small ELF files in memory, both classes and byte orders; they link, they do not run."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

X86_64, I686, AARCH64, PPC64, S390X = 62, 3, 183, 21, 22
EXECUTABLE, SHARED = 2, 3


@dataclass
class ElfBuilder:
    """What the file shall say; `build` lays it out."""

    machine: int = X86_64
    bits: int = 64
    byte_order: str = "little"
    kind: int = SHARED
    interpreter: str | None = None
    soname: str | None = None
    needed: Sequence[str] = ()
    rpath: str | None = None
    runpath: str | None = None
    defines: Sequence[str] = ()
    needs_symbols: Sequence[str] = ()
    needs_weakly: Sequence[str] = ()
    verneed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weak_versions: Sequence[str] = ()
    """Those of `verneed` without which the loader goes on."""
    verdef: Sequence[str] = ()
    constants: Sequence[str] = ()
    note: bytes = b""
    """Content of a note segment."""
    use_gnu_hash: bool = False
    has_sections: bool = True
    sections: Mapping[str, bytes] = field(default_factory=dict)
    """Further sections, with what they hold."""

    def build(self) -> bytes:
        """Return the file."""
        return _Writer(self).write()


class _Writer:
    def __init__(self, spec: ElfBuilder) -> None:
        self.spec = spec
        self.order = "<" if spec.byte_order == "little" else ">"
        self.wide = spec.bits == 64
        self.strings = bytearray(b"\0")
        self.dynamic: list[tuple[int, int]] = []
        self.n_segments = 2 + bool(spec.interpreter) + bool(spec.note)
        self.header_size, self.segment_size = (64, 56) if self.wide else (52, 32)
        self.body = bytearray(self.header_size + self.n_segments * self.segment_size)

    def pack(self, fields: str, *values: int | bytes) -> bytes:
        return struct.pack(self.order + fields, *values)

    def string(self, text: str) -> int:
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at

    def append(self, data: bytes) -> int:
        self.body += b"\0" * (-len(self.body) % 8)
        at = len(self.body)
        self.body += data
        return at

    def write(self) -> bytes:
        spec = self.spec
        interpreter = (spec.interpreter or "").encode() + b"\0"
        interpreter_at = self.append(interpreter)
        note_at = self.append(spec.note)
        for name in spec.needed:
            self.dynamic.append((1, self.string(name)))
        for tag, text in ((14, spec.soname), (15, spec.rpath), (29, spec.runpath)):
            if text is not None:
                self.dynamic.append((tag, self.string(text)))
        self.write_symbols()
        self.write_verneed()
        self.write_verdef()
        constants = b"\0" + b"".join(text.encode() + b"\0" for text in spec.constants)
        constants_at = self.append(constants)
        self.dynamic += [(5, self.append(bytes(self.strings))), (10, len(self.strings))]
        entries = [*self.dynamic, (0, 0)]
        dynamic = b"".join(self.pack("qQ" if self.wide else "iI", *entry) for entry in entries)
        dynamic_at = self.append(dynamic)
        sections_at = self.write_sections(constants_at, len(constants)) if spec.has_sections else 0
        segments = [(1, 5, 0, len(self.body)), (2, 6, dynamic_at, len(dynamic))]
        if spec.interpreter:
            segments.append((3, 4, interpreter_at, len(interpreter)))
        if spec.note:
            segments.append((4, 4, note_at, len(spec.note)))
        head = self.header(sections_at) + b"".join(self.segment(*each) for each in segments)
        self.body[: len(head)] = head
        return bytes(self.body)

    def header(self, sections_at: int) -> bytes:
        spec = self.spec
        ident = bytes([0x7F, 69, 76, 70, 2 if self.wide else 1, 1 if self.order == "<" else 2, 1])
        n_sections, section_size = 3 + len(spec.sections), 64 if self.wide else 40
        if not sections_at:
            n_sections, section_size = 0, 0
        return self.pack(
            "16sHHIQQQIHHHHHH" if self.wide else "16sHHIIIIIHHHHHH",
            ident, spec.kind, spec.machine, 1, 0, self.header_size, sections_at, 0,
            self.header_size, self.segment_size, self.n_segments, section_size, n_sections,
            2 if n_sections else 0,
        )  # fmt: skip

    def segment(self, kind: int, flags: int, at: int, size: int) -> bytes:
        if self.wide:
            return self.pack("IIQQQQQQ", kind, flags, at, at, at, size, size, 8)
        return self.pack("IIIIIIII", kind, at, at, at, size, size, flags, 8)

    def write_symbols(self) -> None:
        spec = self.spec
        symbols = [(0, 0, 16), *((self.string(n), 0, 16) for n in spec.needs_symbols)]
        symbols += [(self.string(n), 0, 32) for n in spec.needs_weakly]
        symbols += [(self.string(n), 1, 16) for n in spec.defines]
        table = b"".join(
            self.pack("IBBHQQ", name, info, 0, where, 0, 0)
            if self.wide
            else self.pack("IIIBBH", name, 0, 0, info, 0, where)
            for name, where, info in symbols
        )
        self.dynamic.append((6, self.append(table)))
        if spec.use_gnu_hash:
            first = len(symbols) - len(spec.defines)
            chain = [2] * len(spec.defines)
            if chain:
                chain[-1] = 3
            words = [1, first, 1, 0, *([0, 0] if self.wide else [0]), first if chain else 0, *chain]
            self.dynamic.append((0x6FFFFEF5, self.append(self.pack(f"{len(words)}I", *words))))
        else:
            words = [1, len(symbols), 0, *([0] * len(symbols))]
            self.dynamic.append((4, self.append(self.pack(f"{len(words)}I", *words))))

    def write_verneed(self) -> None:
        records = b""
        items = list(self.spec.verneed.items())
        for index, (library, versions) in enumerate(items):
            size = 16 + 16 * len(versions)
            following = size if index + 1 < len(items) else 0
            records += self.pack("HHIII", 1, len(versions), self.string(library), 16, following)
            for position, version in enumerate(versions):
                following = 16 if position + 1 < len(versions) else 0
                flags = 2 if version in self.spec.weak_versions else 0
                name = self.string(version)
                records += self.pack("IHHII", 0, flags, position + 2, name, following)
        if records:
            self.dynamic += [(0x6FFFFFFE, self.append(records)), (0x6FFFFFFF, len(items))]

    def write_verdef(self) -> None:
        names = [self.spec.soname or "base", *self.spec.verdef]
        if not self.spec.verdef:
            return
        records = b""
        for index, name in enumerate(names):
            following = 28 if index + 1 < len(names) else 0
            flags = 1 if index == 0 else 0
            records += self.pack("HHHHIII", 1, flags, index + 1, 1, 0, 20, following)
            records += self.pack("II", self.string(name), 0)
        self.dynamic += [(0x6FFFFFFC, self.append(records)), (0x6FFFFFFD, len(names))]

    def write_sections(self, constants_at: int, constants_size: int) -> int:
        further = []
        names = b"\0.rodata\0.shstrtab\0"
        for name, content in self.spec.sections.items():
            further.append((len(names), self.append(content), len(content)))
            names += name.encode() + b"\0"
        names_at = self.append(names)
        shape = "IIQQQQIIQQ" if self.wide else "IIIIIIIIII"
        sections = [
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
            (1, 1, 2, constants_at, constants_at, constants_size, 0, 0, 1, 0),
            (9, 3, 0, 0, names_at, len(names), 0, 0, 1, 0),
        ]
        sections += [(name, 1, 2, at, at, size, 0, 0, 1, 0) for name, at, size in further]
        return self.append(b"".join(self.pack(shape, *section) for section in sections))
