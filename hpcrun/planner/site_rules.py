"""What a site asks of jobs beyond their size: who, where, with what; no MPI, no paths."""

from collections.abc import Iterator

from hpcrun.compat.evidence import in_profile, listed
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.nodes import Partition
from hpcrun.model.plan import Layout
from hpcrun.model.site import Site
from hpcrun.planner.diagnose import diagnose
from hpcrun.planner.limits import Limit, limit_of
from hpcrun.planner.question import Question
from hpcrun.tables.runtimes import runtime
from hpcrun.tables.versions import version_key


def check_site_rules(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    """Report what the site would turn down, or let wait for ever."""
    yield from _check_runtime(question)
    partition, name = question.partition, question.partition_name
    if partition is None or name is None:
        return
    yield from _check_number_of_nodes(question, layout)
    yield from _check_qos(question, layout)
    key = f"partitions.{name}"
    if partition.gpus_required is True and not layout.gpus_per_node:
        message = f"partition `{name}` takes only jobs that ask for GPUs"
        found = in_profile(question.site, f"{key}.gpus_required")
        yield diagnose("HPR113", message, found=(found,))
    if partition.open is False:
        closed = (f"{in_profile(question.site, f'{key}.open')} is false", partition.about or "")
        yield diagnose("HPR114", f"partition `{name}` is not open to everybody", found=closed)
    yield from _check_account(question, partition, layout.account)


def _check_runtime(question: Question) -> Iterator[Diagnostic]:
    site, facts = question.site, question.site.runtime
    if not is_known(facts.kind):
        message = "nobody knows what runs containers at the site"
        yield diagnose("HPR511", message, found=(in_profile(site, "runtime.kind"),))
    elif facts.kind == "none":
        message = "the site has no container runtime"
        yield diagnose("HPR511", message, found=(in_profile(site, "runtime.kind"),))
    elif not facts.is_supported:
        message = f"the site runs containers by `{facts.kind}`, which hpcrun does not support yet"
        yield diagnose("HPR511", message, found=(in_profile(site, "runtime.kind"),))
    yield from _check_version(site)
    if facts.group is not None:
        who = f"only members of the Unix group `{facts.group}`"
        found = (in_profile(site, "runtime.group"),)
        yield diagnose("HPR510", f"{who} may use `{facts.command}` there", found=found)


def _check_version(site: Site) -> Iterator[Diagnostic]:
    """Report a runtime that does not have the options that the job's script gives it."""
    version, row = site.runtime.version, runtime(site.runtime.kind)
    if row is None or not is_known(version) or version_key(version) >= version_key(row.since):
        return
    found = (f"{in_profile(site, 'runtime.version')}: {version}",)
    what = f"{site.runtime.kind} {version} does not know `{row.option}`, which the script needs"
    yield diagnose("HPR512", what, found=found, table_row=f"runtimes.yaml row `{row.id}`")


def _check_number_of_nodes(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    """Report jobs that are too small or too large for partition or quality of service."""
    asked = layout.nodes
    least, most = limit_of(question, "nodes_min"), limit_of(question, "nodes_max")
    if least is not None and asked < least.bound:
        message = f"{asked} nodes: {least.what} wants at least {least.bound}"
        yield _over("HPR115", message, least, question)
    if most is not None and asked > most.bound:
        message = f"{asked} nodes: {most.what} lets a job have {most.bound}"
        yield _over("HPR106", message, most, question)


def _over(code: str, message: str, limit: Limit, question: Question) -> Diagnostic:
    found = (f"{in_profile(question.site, limit.key)}: {limit.bound}",)
    severity = None if limit.is_sure else Severity.WARNING
    return diagnose(code, message, found=found, severity=severity)


def _check_qos(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    """Report a quality of service that the partition does not have."""
    qos = question.site.qos.get(layout.qos or "")
    name = question.partition_name
    if qos is None or name is None or not is_known(qos.partitions) or name in qos.partitions:
        return
    key = in_profile(question.site, f"qos.{layout.qos}.partitions")
    message = f"quality of service `{layout.qos}` is not one of partition `{name}`"
    yield diagnose("HPR117", message, found=(f"{key}: {listed(qos.partitions)}",))


def _check_account(
    question: Question, partition: Partition, account: str | None
) -> Iterator[Diagnostic]:
    ending = partition.account_ending
    if ending is None or not is_known(ending) or account is None or account.endswith(ending):
        return
    name = question.partition_name
    key = in_profile(question.site, f"partitions.{name}.account_ending")
    message = f"account `{account}` is not one for partition `{name}`"
    yield diagnose("HPR116", message, found=(f"{key}: accounts for it end with `{ending}`",))
