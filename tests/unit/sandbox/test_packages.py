"""Versions of packages as dpkg records them."""

import pytest

from hpcrun.sandbox.packages import parse_versions

STATUS = """\
Package: slurmctld
Status: install ok installed
Version: {version}
Description: a
 b: c

Package: gone
Status: deinstall ok config-files
Version: 1
"""


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        ("24.11.5-4+b1", "24.11.5"),
        ("1.4.5-2", "1.4.5"),
        ("5.0.7-1", "5.0.7"),
        ("1:4.13+dfsg1-1+deb12u2", "4.13"),
        ("0.30+ds1-1.1", "0.30"),
        ("2.0", "2.0"),
    ],
)
def test_upstream_version_is_named_as_programs_name_it(version: str, upstream: str) -> None:
    assert parse_versions(STATUS.format(version=version)) == {"slurmctld": upstream}
