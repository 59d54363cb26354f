"""Frozen values that flow through hpcrun; does no input or output."""
