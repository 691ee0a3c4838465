"""Connected components beside Splink's clustering: a path that is as long as it can be, and a graph of many ids.

Run with `python benchmarks/components.py`. dbt builds the model `components` in this process, as in a run; what work it
has with a graph of one record is its own, and taken off. Splink gets the same tables, in a process of its own that is
ended after `PATIENCE` seconds. Both must find what scipy finds, and `components` in `identity_max_passes` passes.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from linkage import DAY
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.transformation.invocation import build
from scv_platform.transformation.project import dbt_environment, environment
from scv_platform.warehouse.duckdb import DuckDBWarehouse

PATH_NODES = 100_000
GROUPS, NODES_OF_GROUP = 600_000, 11 / 3
PATIENCE = 60
MODEL = "model.scv.components"

LOAD = """
create schema if not exists identity;
create or replace table identity.source_records as select 's:' || lpad(node::varchar, 7, '0') as record_id from nodes;
create or replace table identity.edges as
select
    's:' || lpad(a::varchar, 7, '0') as record_a,
    's:' || lpad(b::varchar, 7, '0') as record_b,
    'kept' as status
from edges
"""

Edges = np.ndarray
"""Pairs of node numbers, one a row."""


def path() -> tuple[int, Edges]:
    """Each node is linked to the next one by name, as when an id is renewed again and again."""
    nodes = np.arange(PATH_NODES)
    return PATH_NODES, np.column_stack([nodes[:-1], nodes[1:]])


def ids() -> tuple[int, Edges]:
    """People of a few ids, each of which was seen first together with any one of the earlier ones."""
    draw = np.random.default_rng(1)
    sizes = draw.geometric(1 / NODES_OF_GROUP, GROUPS)
    place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    (later,) = np.nonzero(place)
    earlier = later - place[later] + draw.integers(0, place[later])
    names = draw.permutation(len(place))
    return len(place), np.column_stack([names[earlier], names[later]])


def give(warehouse: DuckDBWarehouse, nodes: int, edges: Edges) -> None:
    with warehouse.connection() as connection:
        connection.register("nodes", pa.table({"node": np.arange(nodes)}))
        connection.register("edges", pa.table({"a": edges[:, 0], "b": edges[:, 1]}))
        connection.execute(LOAD)


def of_dbt(settings: Settings) -> tuple[float, float]:
    """Seconds of the model, and of processors, those of dbt among them."""
    worked = time.process_time()
    with environment(dbt_environment(settings, DAY.date())):
        result = build(settings, settings.beside_warehouse(".dbt"), [MODEL], say=lambda _: None)
    if result.problems:
        raise SystemExit("\n".join(result.problems))
    (seconds,) = (node.seconds for node in result.nodes if node.unique_id == MODEL)
    return seconds, time.process_time() - worked


def of_splink(file: Path) -> tuple[float, float] | None:
    """The same of Splink, or None where it took too long."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, str(file)], check=True, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return None
    seconds, worked = map(float, done.stdout.split()[-2:])
    return seconds, worked


def splink(file: Path) -> None:
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as scv (read_only)")
        connection.execute("create table nodes as select record_id from scv.identity.source_records")
        connection.execute("create table edges as select record_a, record_b from scv.identity.edges")
        api = DuckDBAPI(connection)
        started, worked = time.perf_counter(), time.process_time()
        clusters = cluster_pairwise_predictions_at_threshold(
            api.register("nodes"), api.register("edges"), api, "record_id", "record_a", "record_b"
        )
        print(time.perf_counter() - started, time.process_time() - worked)
        ((wrong,),) = connection.sql(
            f"""
            select count(*) from {clusters.physical_name} as clusters
            inner join scv.identity.components as components using (record_id)
            where clusters.cluster_id != components.component_id
            """
        ).fetchall()
    assert wrong == 0


def check(warehouse: DuckDBWarehouse, nodes: int, edges: Edges) -> None:
    matrix = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(nodes, nodes))
    _, labels = connected_components(matrix, directed=False)
    least = np.full(labels.max() + 1, nodes)
    np.minimum.at(least, labels, np.arange(nodes))
    found = warehouse.table(
        "select cast(substr(component_id, 3) as bigint) as n from identity.components order by record_id"
    )
    assert np.array_equal(found["n"].to_numpy(), least[labels])


def main() -> None:
    print("| graph | | seconds | of processors |\n|---|---|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({"SCV_DUCKDB_PATH": str(Path(folder) / "scv.duckdb")}, PROJECT_ROOT)
        warehouse = DuckDBWarehouse(settings.duckdb_path)
        give(warehouse, 1, np.empty((0, 2), int))
        # The first build also reads the project.
        own = [of_dbt(settings) for _ in range(2)][-1][1]
        for name, (nodes, edges) in (("ordered path", path()), ("ids", ids())):
            graph = f"{name}: {nodes:,} nodes, {len(edges):,} edges"
            give(warehouse, nodes, edges)
            seconds, worked = of_dbt(settings)
            check(warehouse, nodes, edges)
            print(f"| {graph} | components | {seconds:.2f} | {worked - own:.2f} |", flush=True)
            peer = of_splink(settings.duckdb_path)
            told = f"{peer[0]:.2f} | {peer[1]:.2f}" if peer else f"more than {PATIENCE} | "
            print(f"| {graph} | Splink | {told} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        splink(Path(sys.argv[1]))
    else:
        main()
