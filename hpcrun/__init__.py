"""Batch submission of container jobs to HPC clusters."""

__version__ = "0.1.0"
