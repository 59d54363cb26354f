"""A check as SARIF 2.1.0 (OASIS), which code forges and editors read; does not print it."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from hpcrun import __version__
from hpcrun.model.check import Check
from hpcrun.model.diagnostic import Diagnostic, Location
from hpcrun.report.diagnostics import in_order
from hpcrun.rules import read_page
from hpcrun.tables import rules

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}

Part = dict[str, Any]


def check_to_sarif(check: Check) -> Part:
    """Return one run with every diagnostic, and the rules that they are of."""
    sites_by_one = _sites_by_diagnostic(check)
    found = in_order(sites_by_one)
    codes = sorted({one.code for one in found})
    driver = {
        "name": "hpcrun",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "artifacts": [{"location": _artifact(check.input)}],
                "results": [_result(one, codes, sites_by_one[one], check.input) for one in found],
                "properties": {
                    "kind": check.kind,
                    "sites": [at.site for at in check.sites],
                    "notChecked": list(_skipped(check)),
                },
            }
        ],
    }


def _sites_by_diagnostic(check: Check) -> dict[Diagnostic, list[str]]:
    """Return each diagnostic once, with the sites that it is about; none for all."""
    sites: dict[Diagnostic, list[str]] = {one: [] for one in check.diagnostics}
    for at in check.sites:
        for one in dict.fromkeys(at.diagnostics):
            sites.setdefault(one, []).append(at.site)
    return sites


def _rule(code: str) -> Part:
    rule = rules()[code]
    page = read_page(code)
    helps = "\n".join(f"{row.role}: {row.text}" for row in rule.help)
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": _paragraph(page) or rule.summary},
        "help": {"text": helps, "markdown": page},
        "defaultConfiguration": {"level": _LEVELS[rule.severity.value]},
        "properties": {"slug": rule.name, "source": rule.source},
    }


def _paragraph(page: str) -> str:
    """Return what a page says is wrong."""
    body = page.partition("## What is wrong and why it matters")[2]
    return body.partition("\n## ")[0].strip()


def _result(one: Diagnostic, codes: list[str], sites: list[str], checked: str) -> Part:
    made: Part = {
        "ruleId": one.code,
        "ruleIndex": codes.index(one.code),
        "level": _LEVELS[one.severity.value],
        "message": {"text": "\n".join(_text(one))},
        "locations": [_location(one.location, checked)],
        "properties": {"found": list(one.found), "sites": sites, "tableRow": one.table_row},
    }
    if one.allowed_because is not None:
        made["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": one.allowed_because}
        ]
    return made


def _text(one: Diagnostic) -> Iterator[str]:
    yield one.message
    yield from (f"found: {line}" for line in one.found)
    yield from (f"note: {line}" for line in one.notes)
    yield from (f"help: {each.text}" for each in one.help)


def _location(place: Location | None, checked: str) -> Part:
    physical: Part = {"artifactLocation": _artifact(place.file if place else checked)}
    if place is not None and place.line is not None:
        physical["region"] = _region(place)
    made: Part = {"physicalLocation": physical}
    if place is not None and place.inner_path is not None:
        made["logicalLocations"] = [{"fullyQualifiedName": place.inner_path, "kind": "member"}]
    return made


def _region(place: Location) -> Part:
    region: Part = {"startLine": place.line}
    if place.column is not None:
        region["startColumn"] = place.column
        if place.length is not None:
            region["endColumn"] = place.column + place.length
    if place.source_line is not None:
        region["snippet"] = {"text": place.source_line}
    return region


def _artifact(file: str) -> Part:
    """Name a file by a URI: one from the root where its path is one."""
    uri = quote(file)
    return {"uri": f"file://{uri}" if file.startswith("/") else uri}


def _skipped(check: Check) -> Iterable[Part]:
    for at in check.sites:
        for each in at.skipped:
            yield {
                "site": at.site,
                "ruleId": each.code,
                "message": each.message,
                "lacking": list(each.lacking),
            }
