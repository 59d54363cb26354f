"""A check as SARIF 2.1.0: held to the format's own schema, with places, levels and suppressions."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hpcrun.model.check import Check, SiteCheck
from hpcrun.model.diagnostic import Diagnostic, Help, Location, Severity
from hpcrun.model.plan import Skipped
from hpcrun.report.sarif import check_to_sarif

SCHEMA = Path(__file__).resolve().parents[2] / "corpora" / "sarif" / "sarif-2.1.0-rtm.5.json"
AT_LINE = Location(file="job.sh", line=3, column=5, length=4, source_line="srun -n 2")
IN_IMAGE = Location(file="/data/a b.sif", inner_path="/lib/libmpi.so")


def diagnostic(code: str, rule: str, **more: Any) -> Diagnostic:
    return Diagnostic(code=code, rule=rule, severity=Severity.ERROR, message="it is wrong", **more)


COMMON = diagnostic("HPR829", "unstated-wire-up", location=AT_LINE, found=("seen",))
ALLOWED = diagnostic("HPR402", "untested-pmi", location=IN_IMAGE, allowed_because="tried")
NOWHERE = diagnostic("HPR101", "unknown-partition", help=(Help(text="name another"),))
SKIPPED = Skipped(code="HPR216", message="cannot tell", lacking=("a fact",))


@pytest.fixture
def run() -> dict[str, Any]:
    """Return the one run of a check at two sites."""
    sites = (
        SiteCheck(site="a", profile=Path("a.yaml"), diagnostics=(COMMON, ALLOWED)),
        SiteCheck(
            site="b", profile=Path("b.yaml"), diagnostics=(COMMON, NOWHERE), skipped=(SKIPPED,)
        ),
    )
    made = check_to_sarif(Check(kind="script", input="job.sh", sites=sites))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(made)
    (one,) = made["runs"]
    return dict(one)


def test_each_diagnostic_is_one_result_with_its_sites(run: dict[str, Any]) -> None:
    told = {result["ruleId"]: result["properties"]["sites"] for result in run["results"]}
    assert told == {"HPR829": ["a", "b"], "HPR402": ["a"], "HPR101": ["b"]}


def test_results_point_at_their_rules(run: dict[str, Any]) -> None:
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert all(rule["help"]["markdown"].startswith(f"# {rule['id']} ") for rule in rules)


def test_place_is_a_region_with_its_line(run: dict[str, Any]) -> None:
    (result,) = [r for r in run["results"] if r["ruleId"] == "HPR829"]
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "job.sh"},
                "region": {
                    "startLine": 3,
                    "startColumn": 5,
                    "endColumn": 9,
                    "snippet": {"text": "srun -n 2"},
                },
            }
        }
    ]


def test_place_in_an_image_names_file_and_member(run: dict[str, Any]) -> None:
    (result,) = [r for r in run["results"] if r["ruleId"] == "HPR402"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "file:///data/a%20b.sif"
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "/lib/libmpi.so"


def test_what_is_allowed_is_suppressed_with_its_reason(run: dict[str, Any]) -> None:
    suppressed = {r["ruleId"]: r.get("suppressions") for r in run["results"]}
    assert suppressed["HPR829"] is None
    assert suppressed["HPR402"] == [
        {"kind": "external", "status": "accepted", "justification": "tried"}
    ]


def test_what_was_not_checked_is_told(run: dict[str, Any]) -> None:
    assert [each["ruleId"] for each in run["properties"]["notChecked"]] == ["HPR216"]


def test_check_without_findings_is_a_run_without_results() -> None:
    made = check_to_sarif(Check(kind="job", input="job.yaml"))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(made)
    assert made["runs"][0]["results"] == []
