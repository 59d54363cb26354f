"""Where hpcrun's own data lies: beside the package in a checkout, inside it once installed.

Does not read the data; callers do.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _data_root() -> Path:
    """Folder that holds `templates` and `site_profiles`.

    The checkout comes first, so that edits there are seen in an editable install.
    """
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir():
        return checkout
    return _PACKAGE / "_data"


def templates_folder() -> Path:
    """Jinja2 templates of job scripts."""
    return _data_root() / "templates"


def site_profiles_folder() -> Path:
    """Site profiles that are shipped with hpcrun."""
    return _data_root() / "site_profiles"


def package_folder(name: str) -> Path:
    """Folder of data inside the package, for example `tables`, `pages` or `schemas`."""
    return _PACKAGE / name


def code_stamp(*packages: str) -> str:
    """Return what changes whenever a file of these packages is replaced, by its length and date."""
    from hpcrun import __version__

    parts = [__version__, str(_PACKAGE)]
    for package in packages:
        with os.scandir(_PACKAGE / package) as found:
            parts += sorted(
                f"{package}/{entry.name} {entry.stat().st_size} {entry.stat().st_mtime_ns}"
                for entry in found
                if entry.is_file()
            )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
