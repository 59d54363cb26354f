"""Use cases, one per file; together they are the Python API (hpcrun.app.api)."""
