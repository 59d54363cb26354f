"""What an image's programs stand on: distribution, C++ library, Python's habits; runs nothing."""

import re
from collections.abc import Iterable

from hpcrun.image.environment import Environment
from hpcrun.image.processor import read_processor, share_archs
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.image.tree import Node, read_text, resolve_file
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.system import CxxLibrary, OsRelease, SystemFacts, UserSite
from hpcrun.tables.versions import version_key

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
_TEXT_MAX = 16 << 10
_VALUE_MAX = 200
_SETTING = re.compile(r"(?m)^([A-Z_]+)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"']*)[ \t]*$")
_LIBSTDCXX = re.compile(r"libstdc\+\+\.so\.6(\.[0-9.]+)?")
_PYTHON = re.compile(r"python3?(\.[0-9]+)?")


def read_system(
    root: Node, found: Survey, arch: str, environment: Environment, command: Iterable[ElfFile]
) -> SystemFacts:
    """Read the system side of an image."""
    os = read_os_release(root)
    processor = read_processor(found, arch, os, command)
    return SystemFacts(
        archs=share_archs(found),
        levels=processor.levels,
        protections=processor.protections,
        os=os,
        libstdcxx=_read_libstdcxx(found, arch),
        user_site=_read_user_site(found, environment),
    )


def read_os_release(root: Node) -> OsRelease | None:
    """Read os-release(5); None where there is none."""
    for path in _OS_RELEASE:
        file = resolve_file(root, path)
        if file is None:
            continue
        text = read_text(file.node, limit=_TEXT_MAX)
        values = {key: value.strip("\"'")[:_VALUE_MAX] for key, value in _SETTING.findall(text)}
        return OsRelease(
            id=values.get("ID") or UNKNOWN,
            version=values.get("VERSION_ID") or UNKNOWN,
            name=values.get("PRETTY_NAME") or UNKNOWN,
            like=tuple(values.get("ID_LIKE", "").split()),
            path=path,
        )
    return None


def highest_of(kind: str, versions: Iterable[str]) -> str | None:
    """Return the highest x.y.z among symbol versions KIND_x.y.z."""
    numbers = (name.removeprefix(f"{kind}_") for name in versions if name.startswith(f"{kind}_"))
    return max((text for text in numbers if text[:1].isdigit()), key=version_key, default=None)


def _read_libstdcxx(found: Survey, arch: str) -> CxxLibrary | None:
    files = [
        file
        for file in found.elf_files
        if file.arch == arch and _LIBSTDCXX.fullmatch(file.path.name)
    ]
    if not files:
        return None
    # The shortest path is the loader's own place; environments of conda and wheels lie deeper.
    file = min(files, key=lambda each: (len(each.path.parts), str(each.path)))
    defined = file.elf.versions_defined
    highest = highest_of("GLIBCXX", defined)
    return CxxLibrary(
        path=str(file.path),
        glibcxx=highest or UNKNOWN,
        cxxabi=highest_of("CXXABI", defined) or UNKNOWN,
        evidence=f"verdef GLIBCXX_{highest} in {file.path}",
    )


def _read_user_site(found: Survey, environment: Environment) -> UserSite | None:
    python = next((f for f in found.elf_files if _PYTHON.fullmatch(f.path.name)), None)
    if python is None:
        return None
    if not is_known(environment.no_user_site):
        return UserSite(is_read=UNKNOWN, evidence="the image's scripts set PYTHONNOUSERSITE")
    if environment.no_user_site:
        return UserSite(is_read=False, evidence="the image sets PYTHONNOUSERSITE")
    evidence = f"{python.path}, and the image does not set PYTHONNOUSERSITE"
    return UserSite(is_read=True, evidence=evidence)
