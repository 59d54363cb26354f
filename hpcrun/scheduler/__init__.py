"""Schedulers behind the port `hpcrun.ports.Scheduler`."""
