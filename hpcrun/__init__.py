"""Batch submission of container jobs to HPC clusters; the public names are the use cases of hpcrun.app."""

__version__ = "0.1.0"
