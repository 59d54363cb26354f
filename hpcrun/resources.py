"""Where hpcrun's own data lies: beside the package in a checkout, inside it once installed.

Does not read the data; callers do.
"""

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
