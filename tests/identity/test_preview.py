"""What a change of rules would do, against what a run then does, on the simulated company."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from click.testing import CliRunner

from scv_platform.cli import main
from scv_platform.config_files import ConfigError
from scv_platform.identity.matching import forget_scores
from scv_platform.identity.preview import EXAMPLES, Example, Preview, ShownExample, as_text
from scv_platform.preview import preview_identity
from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.transformation.invocation import build
from scv_platform.transformation.project import dbt_environment, environment
from scv_platform.warehouse import Warehouse
from tests.conftest import Platform

RULES = {
    # Families who share an address become one.
    "      level: 3\n      strength: strong\n      guard: [given_name, birth_date, national_id]": "      level: 3",
    # Whom a number alone held together is parted.
    "keys: [phone]": "keys: [phone, national_id]",
    # The gate would have none of it.
    "always_allowed: 100": "always_allowed: 0",
    "merged_percent: 15": "merged_percent: 0",
}
"""What somebody edits in dbt_project.yml."""


@dataclass
class Edited:
    """An installation of which the dbt project can be edited."""

    platform: Platform
    settings: Settings

    @property
    def warehouse(self) -> Warehouse:
        return self.platform.warehouse

    def edit(self, old: str, new: str) -> None:
        """Change a line of the project."""
        project = self.settings.dbt_project / "dbt_project.yml"
        assert project.read_text().count(old) == 1
        project.write_text(project.read_text().replace(old, new))

    def share(self, kind: str, example: Example) -> bool:
        """Whether the two records of the example have an identifier of that kind in common."""
        found = self.warehouse.rows(
            f"""
            select identifier_value
            from identity.identifiers
            where identifier_type = '{kind}' and record_id in ('{example.record_a}', '{example.record_b}')
            group by identifier_value
            having count(distinct record_id) = 2
            """
        )
        return bool(found)

    def mail(self, record_id: str | None) -> str:
        """The address of a record."""
        (row,) = self.warehouse.rows(f"select email from identity.source_records where record_id = '{record_id}'")
        return str(row["email"])

    def preview(self) -> Preview:
        """What the next run would change."""
        return preview_identity(self.settings, self.warehouse, show=True)

    def publish(self) -> None:
        """Build the identity models for real, and let through what the gate would stop."""
        models = [path.stem for path in (self.settings.dbt_project / "models" / "identity").glob("*.sql")]
        with environment(dbt_environment(self.settings)):
            unique_ids = [f"model.scv.{name}" for name in models]
            assert build(self.settings, self.platform.folder / "run", unique_ids, lambda _: None).problems == []

    def contents(self) -> dict[str, Any]:
        """Every table of the warehouse."""
        with self.warehouse.session():
            tables = self.warehouse.rows("select schema_name || '.' || table_name as name from duckdb_tables()")
            return {row["name"]: self.warehouse.table(f"from {row['name']}") for row in tables}


@pytest.fixture(scope="module")
def edited(copy_of_company: Callable[[], Platform], tmp_path_factory: pytest.TempPathFactory) -> Edited:
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(PROJECT_ROOT / "scv_dbt", root / "scv_dbt", ignore=shutil.ignore_patterns("target"))
    platform = copy_of_company()
    made = Edited(platform, replace(platform.settings, root=root))
    for old, new in RULES.items():
        made.edit(old, new)
    # The linkage model would hold together nevertheless whom the rules part.
    forget_scores(platform.warehouse)
    return made


@pytest.fixture(scope="module")
def before(edited: Edited) -> dict[str, Any]:
    return edited.contents()


@pytest.fixture(scope="module")
def found(edited: Edited, before: dict[str, Any]) -> Preview:
    return edited.preview()


def test_a_preview_leaves_the_warehouse_as_it_was(edited: Edited, before: dict[str, Any], found: Preview) -> None:
    after = edited.contents()
    assert after.keys() == before.keys()
    assert [table for table in before if after[table] != before[table]] == []


def test_merges_and_splits_are_told_with_their_rules_and_the_links_behind_them(edited: Edited, found: Preview) -> None:
    causes = {(happening.event, happening.cause): happening.customers for happening in found.events}
    assert causes["merged_into", "linked: email"] > 0
    assert causes["split_from", "no longer linked: phone"] > EXAMPLES
    assert found.customers_after - found.customers == sum(
        number * (1 if event == "split_from" else -1) for (event, _), number in causes.items()
    )
    shown = {event: [e for e in found.examples if e.event == event] for event in ("merged_into", "split_from")}
    assert len(shown["split_from"]) == EXAMPLES
    assert [e.records for e in shown["split_from"]] == sorted((e.records for e in shown["split_from"]), reverse=True)
    customers = {
        row["record_id"]: row["customer_id"] for row in edited.warehouse.rows("select * from identity.identity_map")
    }
    sizes = Counter(customers.values())
    for example in found.examples:
        of_a, of_b = customers[example.record_a], customers[example.record_b]
        assert example.other_records == sizes[example.other_customer_id]
        if example.event == "merged_into":
            assert (of_a, example.records) == (example.customer_id, sizes[example.customer_id])
            assert of_b != of_a
            assert edited.share("email", example)
            assert isinstance(example, ShownExample)
            assert edited.mail(example.record_a) in example.person_a
        elif example.cause == "no longer linked: phone":
            assert of_a == of_b == example.other_customer_id
            assert edited.share("phone", example)


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from scv_platform.preview import preview_identity
from scv_platform.settings import Settings
from scv_platform.warehouse.choice import warehouse_of

settings = Settings.load()
preview_identity(replace(settings, root=Path(sys.argv[1])), warehouse_of(settings))
"""


def test_a_preview_that_was_killed_harms_nothing_and_can_be_made_again(
    edited: Edited, before: dict[str, Any], found: Preview
) -> None:
    log = edited.settings.beside_warehouse(".preview") / "dbt.log"
    log.unlink()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(edited.settings.root)], env=dict(edited.platform.environment)
    ) as process:
        while not (log.exists() and "OK created sql components" in log.read_text()) and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    left = edited.contents()
    assert "identity__preview.assignments" in left.keys() - before.keys()
    assert [table for table in before if left[table] != before[table]] == []
    assert edited.preview() == found
    assert edited.contents().keys() == before.keys()


def test_a_run_does_what_was_previewed_and_leaves_nothing_to_change(edited: Edited, found: Preview) -> None:
    assert not found.is_allowed
    assert "The publish gate would hold it back" in as_text(found)
    edited.publish()
    assert edited.warehouse.rows("select figure, found, allowed from identity.publish_gate order by figure") == [
        {"figure": figure.figure, "found": figure.found, "allowed": figure.allowed} for figure in found.gate
    ]
    events = edited.warehouse.rows(
        "select event, count(*) as customers from identity.identity_events"
        " where generation = (select max(generation) from identity.assignments) group by event"
    )
    told: Counter[str] = Counter()
    for happening in found.events:
        told[happening.event] += happening.customers
    assert {row["event"]: row["customers"] for row in events} == told
    (counts,) = edited.warehouse.rows(
        """
        select
            count(distinct customer_id) as customers,
            (
                select count(*) from identity.assignments
                where generation = (select max(generation) from identity.assignments)
            ) as moved
        from identity.identity_map
        """
    )
    assert counts == {"customers": found.customers_after, "moved": found.records_moved}

    nothing = edited.preview()
    assert (nothing.events, nothing.examples, nothing.records_moved, nothing.held_back) == ((), (), 0, 0)
    assert nothing.is_allowed
    assert f"would leave all {nothing.customers} customers" in as_text(nothing)


def test_a_rule_that_makes_no_sense_is_told_and_leaves_nothing_behind(edited: Edited) -> None:
    edited.edit("keys: [phone, national_id]", "keys: [phone, shoe_size]")
    with pytest.raises(ConfigError, match="rule phone: shoe_size is neither an identifier type"):
        edited.preview()
    assert edited.warehouse.columns("identity__preview") == {}
    edited.edit("keys: [phone, shoe_size]", "keys: [phone, national_id]")


def test_the_command_line_tells_what_decisions_of_stewards_would_do(copy_of_company: Callable[[], Platform]) -> None:
    platform = copy_of_company()

    def scv(*arguments: str, expect: int = 0) -> str:
        outcome = CliRunner().invoke(main, ["identity", *arguments], env=dict(platform.environment))
        assert outcome.exit_code == expect, outcome.output
        return outcome.output

    doubts = json.loads(scv("review", "--json"))
    doubt = next(one for one in doubts if "visitor" not in (one["customer_a"], one["customer_b"]))
    pair, who = (doubt["record_a"], doubt["record_b"]), ("--by", "ann", "--reason", "she called")
    scv("link", *pair, *who)
    told = json.loads(scv("preview", "--json"))
    assert told["events"] == [{"event": "merged_into", "cause": "linked: steward", "customers": 1}]
    assert {told["examples"][0]["record_a"], told["examples"][0]["record_b"]} == set(pair)
    assert told["is_allowed"] is True
    assert "person_a" not in told["examples"][0]
