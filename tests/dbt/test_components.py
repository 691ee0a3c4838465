"""The components materialization against scipy, on graphs that are hard for other algorithms."""

from collections.abc import Callable, Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tests.dbt.conftest import Dbt

Edges = np.ndarray
"""Pairs of node numbers, one a row."""


def graphs() -> Iterator[tuple[int, Edges]]:
    """Graphs as (number of nodes, edges). Names of nodes sort as their numbers do."""
    random = np.random.default_rng(20240630)
    path = np.arange(2_000)
    yield 2_000, np.column_stack([path[:-1], path[1:]])
    shuffled = random.permutation(2_000)
    yield 2_000, np.column_stack([shuffled[:-1], shuffled[1:]])
    for centre in (0, 499, 250):
        leaves = np.delete(np.arange(500), centre)
        yield 500, np.column_stack([np.full(499, centre), leaves])
    ring = np.arange(300)
    yield 300, np.column_stack([ring, np.roll(ring, 1)])
    # Nodes without edges, both directions of an edge, an edge twice.
    yield 50, np.array([[3, 4], [4, 3], [3, 4], [10, 9]])
    for nodes, edges in [(3_000, 1_500), (3_000, 3_000), (1_000, 5_000)]:
        yield nodes, random.integers(0, nodes, (edges, 2))
    for _ in range(200):
        nodes = int(random.integers(1, 9))
        yield nodes, random.integers(0, nodes, (int(random.integers(0, 12)), 2))


def give(dbt: Dbt, nodes: int, edges: Edges) -> None:
    """Put a graph where `components` reads records and edges."""
    names = np.array([f"r{number:06}" for number in range(nodes)])
    tables = {
        "source_records": pa.table({"record_id": names}),
        "edges": pa.table({"record_a": names[edges[:, 0]], "record_b": names[edges[:, 1]]}),
    }
    with duckdb.connect(str(dbt.path)) as connection:
        connection.execute("create schema if not exists identity")
        for name, rows in tables.items():
            connection.register("arrow_rows", rows)
            connection.execute(f"create or replace table identity.{name} as select *, 'kept' as status from arrow_rows")


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    return make_dbt()


def test_components_equal_those_of_scipy_and_are_called_after_their_least_record(dbt: Dbt):
    all_edges, nodes = [], 0
    for size, edges in graphs():
        all_edges.append(edges.reshape(-1, 2) + nodes)
        nodes += size
    edges = np.concatenate(all_edges).astype(int)
    give(dbt, nodes, edges)
    dbt.run("run", "--select", "components")

    matrix = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(nodes, nodes))
    _, labels = connected_components(matrix, directed=False)
    least = {label: number for number, label in reversed(list(enumerate(labels)))}
    expected = [(f"r{number:06}", f"r{least[label]:06}") for number, label in enumerate(labels)]
    assert dbt.table("identity.components", "record_id, component_id") == expected


def test_refused_edges_join_nothing(dbt: Dbt):
    give(dbt, 3, np.array([[0, 1], [1, 2]]))
    with duckdb.connect(str(dbt.path)) as connection:
        connection.execute("update identity.edges set status = 'refused' where record_a = 'r000001'")
    dbt.run("run", "--select", "components")
    expected = [("r000000", "r000000"), ("r000001", "r000000"), ("r000002", "r000002")]
    assert dbt.table("identity.components", "record_id, component_id") == expected


def test_a_graph_that_needs_too_many_passes_stops_the_build_and_keeps_the_last_table(dbt: Dbt):
    give(dbt, 2, np.array([[0, 1]]))
    dbt.run("run", "--select", "components")
    before = dbt.table("identity.components")

    shuffled = np.random.default_rng(1).permutation(2_000)
    give(dbt, 2_000, np.column_stack([shuffled[:-1], shuffled[1:]]))
    problems = dbt.run("run", "--select", "components", "--vars", "{identity_max_passes: 2}", expect=False)
    assert "edges are left after 2 passes" in problems["components"]
    assert dbt.table("identity.components") == before
