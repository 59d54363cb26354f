"""Plan → script: the quoting types, the two template environments; does not decide."""

from hpcrun.render.script import open_place, render_script, script_sha256
from hpcrun.render.values import RunPlace

__all__ = ["RunPlace", "open_place", "render_script", "script_sha256"]
