"""Plan → text of the job's script; does not decide, write or submit."""

import hashlib
from pathlib import Path

from hpcrun.model.plan import Plan
from hpcrun.render.environments import body_environment, header_environment
from hpcrun.render.values import RunPlace, body_values, header_values


def render_script(plan: Plan, *, place: RunPlace) -> str:
    """Render the script of one run; the same plan and place give the same bytes."""
    header = header_environment().get_template("header.sh.j2").render(header_values(plan, place))
    body = body_environment().get_template("body.sh.j2").render(body_values(plan, place))
    return header + body


def open_place(plan: Plan) -> RunPlace:
    """Return the place that stands in a script for a run that does not exist yet."""
    name = f"{plan.job}-TOKEN"
    return RunPlace(folder=Path("/RUNS") / name, name=name, token="TOKEN")  # noqa: S106  a placeholder


def script_sha256(plan: Plan) -> str:
    """Return the digest of the script with its run still open (`Plan.script_sha256`)."""
    return hashlib.sha256(render_script(plan, place=open_place(plan)).encode()).hexdigest()
