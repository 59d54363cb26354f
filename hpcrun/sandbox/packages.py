"""Which versions of packages a root file system holds, by dpkg's own record; installs nothing."""

import re
from pathlib import Path

# epoch:upstream-revision (deb-version(7)); people and programs name the upstream part.
_VERSION = re.compile(r"(?:\d+:)?(?P<upstream>.+?)(?:[+~]dfsg[^-]*|[+~]ds[^-]*)?(?:-[^-]*)?")


def read_versions(root: Path) -> dict[str, str]:
    """Return the upstream version of each installed package."""
    text = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    return parse_versions(text)


def parse_versions(status: str) -> dict[str, str]:
    """Parse dpkg's status file: paragraphs of `Field: value` lines."""
    versions = {}
    for paragraph in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in paragraph.splitlines() if re.match(r"\w+: ", line)
        )
        if "Package" in fields and fields.get("Status", "").endswith(" installed"):
            found = _VERSION.fullmatch(fields["Version"])
            versions[fields["Package"]] = found["upstream"] if found else fields["Version"]
    return versions
