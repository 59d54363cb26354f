"""Can the site's container runtime do what a candidate needs; does not judge MPI."""

from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, unknown
from hpcrun.model.base import is_known
from hpcrun.model.site import Site
from hpcrun.model.verdict import Reason, Verdict

_ROW = asked("user-bind")


def check_bind_allowed(site: Site) -> Verdict:
    """Judge whether users may mount host folders into containers at this site."""
    key = in_profile(site, "runtime.user_bind")
    if site.runtime.user_bind is True:
        return fits(_ROW, f"{key} is true")
    if not is_known(site.runtime.user_bind):
        return unknown(
            Reason(
                code="HPR506",
                message="cannot tell whether the site lets users mount host folders",
                evidence=(f"{key} is unknown",),
                table_row=_ROW,
            )
        )
    return incompatible(
        Reason(
            code="HPR506",
            message="the site does not let users mount host folders into containers",
            evidence=(f"{key} is false",),
            table_row=_ROW,
        )
    )
