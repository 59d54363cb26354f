"""Drivers rise with the releases that they came with; GPUs are known by their names."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hpcrun.model.nodes import Gpu
from hpcrun.tables.gpu_versions import GpuVersions, compute_of, gpu_versions, vendor_of
from hpcrun.tables.rows import load_table

TEXT = """
as_of: 2026-11-20
cuda: [{release: "12.0", driver: "525.60.13", source: x}, {release: "12.1", driver: "530.30.02", source: x}]
cuda_majors: [{major: "11", driver: "450.80.02", source: x}, {major: "12", driver: "525.60.13", source: x}]
rocm: [{driver: "6.3", since: "6.1", until: "7.0", source: x}, {driver: "30.10", since: "6.2", until: "7.0", source: x}]
models: []
generic: []
host_libraries: []
glibc_jumps: []
"""  # noqa: E501


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ('"530.30.02"', '"520.30.02"'),
        ('release: "12.1"', 'release: "11.1"'),
        ('"450.80.02"', '"530"'),
        ('driver: "30.10"', 'driver: "5.10"'),
        ('since: "6.2"', 'since: "5.2"'),
    ],
)
def test_ladder_that_does_not_rise_is_refused(before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEXT.replace(before, after), encoding="utf-8")
    if not before:
        load_table("t", GpuVersions, folder=tmp_path)
        return
    with pytest.raises(ValidationError, match="rise"):
        load_table("t", GpuVersions, folder=tmp_path)


def test_first_driver_of_each_major_is_no_newer_than_that_of_its_first_release() -> None:
    table = gpu_versions()
    for row in table.cuda_majors:
        assert table.cuda_of(row.driver) == f"{row.major}.0"


@pytest.mark.parametrize(
    ("name", "vendor", "compute"),
    [
        ("A100-40GB", "nvidia", "8.0"),
        ("NVIDIA A100-SXM4-80GB", "nvidia", "8.0"),
        ("Tesla V100-PCIE-32GB", "nvidia", "7.0"),
        ("GH200", "nvidia", "9.0"),
        ("H100-PCIe", "nvidia", "9.0"),
        ("L40S", "nvidia", "8.9"),
        ("MI250X", "amd", "gfx90a"),
        ("AMD Instinct MI300A", "amd", "gfx942"),
        ("RTX 6000 Ada", "nvidia", "unknown"),
        ("RTX A5000", "nvidia", "unknown"),
        ("A1000", "unknown", "unknown"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_gpus_by_their_names(name: str, vendor: str, compute: str) -> None:
    gpu = Gpu(model=name)
    assert (vendor_of(gpu), compute_of(gpu)) == (vendor, compute)


def test_what_the_profile_says_of_a_gpu_counts_before_its_name() -> None:
    gpu = Gpu(model="A100", vendor="nvidia", compute="8.6")
    assert (vendor_of(gpu), compute_of(gpu)) == ("nvidia", "8.6")
