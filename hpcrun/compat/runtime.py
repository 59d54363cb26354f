"""Can the site's container runtime do what a candidate needs; does not judge MPI."""

from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, unknown
from hpcrun.model.base import is_known
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.runtimes import library_order, runtime_feature
from hpcrun.tables.versions import version_key

_ROW = asked("user-bind")
_ORDER = asked("library-order")
_FEATURE = asked("runtime-feature")


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


def check_feature(site: Site, name: str) -> Verdict:
    """Judge whether the site's runtime can do something that only newer versions can."""
    runtime = site.runtime
    key = in_profile(site, "runtime.version")
    row = runtime_feature(name, runtime.kind)
    if row is None:
        message = f"`{runtime.kind}` has nothing like `{name}`"
        return _lacks(message, f"{in_profile(site, 'runtime.kind')}: {runtime.kind}", _FEATURE)
    table_row = f"runtimes.yaml row `{row.id}`"
    seen = f"{key}: {runtime.version}; `{row.option}` came with {row.since}"
    if not is_known(runtime.version):
        message = f"cannot tell whether the site's runtime knows `{row.option}`"
        reason = Reason(code="HPR512", message=message, evidence=(seen,), table_row=table_row)
        return unknown(reason, force=Force.SKIPS)
    if version_key(runtime.version) < version_key(row.since):
        return _lacks(f"`{runtime.kind}` does not know `{row.option}` yet", seen, table_row)
    return fits(table_row, seen)


def check_library_order(site: Site) -> Verdict:
    """Judge whether a library path that the script sets comes before the image's libraries."""
    runtime = site.runtime
    version = runtime.version if is_known(runtime.version) else "9998"
    row = library_order("set-path", runtime.kind, version)
    key = f"{in_profile(site, 'runtime.kind')}: {runtime.kind}"
    if row is None:
        message = f"cannot tell which libraries come first in containers of `{runtime.kind}`"
        reason = Reason(code="HPR512", message=message, evidence=(key,), table_row=_ORDER)
        return unknown(reason, force=Force.SKIPS)
    return fits(f"runtimes.yaml row `{row.id}`", key, "the script sets LD_LIBRARY_PATH itself")


def mounted_libraries_first(site: Site) -> bool | None:
    """Whether libraries that the runtime mounts (`--nv`, a recipe's) come before the image's.

    None where the version is not known. A path that the script sets is before both.
    """
    if not is_known(site.runtime.version):
        return None
    row = library_order("mounted", site.runtime.kind, site.runtime.version)
    return row.host_first if row is not None else None


def _lacks(message: str, seen: str, table_row: str) -> Verdict:
    reason = Reason(code="HPR512", message=message, evidence=(seen,), table_row=table_row)
    return incompatible(reason, force=Force.WARNS)
