"""`dagster dev`, as a person runs it: a file that is dropped into a landing folder reaches the export by itself."""

from collections.abc import Callable

import dagster as dg
import pytest

from scv_platform.definitions import build_definitions
from tests.conftest import UNTIL, Platform
from tests.dev_server import DevServer, dagster_dev, wait_until
from tests.drop import drop

pytestmark = pytest.mark.company

EXPORT = "exports/files/thank_you_card"
DROPPED = "shopify/orders"


def materialised(platform: Platform, run_ids: set[str]) -> set[str]:
    with dg.DagsterInstance.from_config(str(platform.folder)) as instance:
        return {
            entry.dagster_event.asset_key.to_user_string()
            for run_id in run_ids
            for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
            if entry.dagster_event is not None and entry.dagster_event.asset_key is not None
        }


def test_a_dropped_file_updates_its_source_and_what_depends_on_it_down_to_the_export_and_nothing_else(
    copy_of_company: Callable[[], Platform],
) -> None:
    platform = copy_of_company()
    before_it = exported(platform)
    assert before_it
    log = platform.folder / "dev.log"
    with dagster_dev(platform.environment, log) as server:
        wait_until(lambda: not server.sensors_without_a_tick(), 240, log)
        before = {run["runId"] for run in server.runs()}
        assert len(before) == 1, "what `scv run` loaded is not loaded again"
        drop(platform.settings.landing, UNTIL.isoformat())
        wait_until(lambda: exported(platform) != before_it, 420, log)
        # The runs that were requested for it go on to what else depends on it.
        wait_until(lambda: is_idle(server), 240, log)
        runs = [run for run in server.runs() if run["runId"] not in before]
    assert {run["status"] for run in runs} == {"SUCCESS"}
    found = materialised(platform, {run["runId"] for run in runs})
    graph = build_definitions(platform.settings).resolve_asset_graph()
    reached = dg.AssetSelection.assets(DROPPED.split("/")).downstream().resolve(graph)
    assert {DROPPED, "master/transactions", "master/customer_metrics", EXPORT} <= found
    assert found <= {key.to_user_string() for key in reached}


def exported(platform: Platform) -> dict[str, bytes]:
    folder = platform.folder / "exports" / "thank_you_card"
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def is_idle(server: DevServer) -> bool:
    return all(run["status"] in {"SUCCESS", "FAILURE", "CANCELED"} for run in server.runs())
