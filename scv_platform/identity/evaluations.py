"""What was found out about identities, run by run: the table, and the figures as text and as markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from scv_platform.identity.evaluate import WORST, Evaluation
from scv_platform.identity.shape import LARGEST, SURE, Shape
from scv_platform.warehouse import Table, TableColumn, Warehouse
from scv_platform.warehouse.preview import markdown_table

EVALUATIONS = Table(
    schema="identity",
    name="evaluations",
    description="How well records became customers, run by run. One row per run that evaluated.",
    columns=(
        TableColumn("run_id", "string", "Run that evaluated."),
        TableColumn("evaluated_at", "timestamp", "When that run was made, UTC."),
        TableColumn("records", "integer", "Person records that the truth knows, without devices; null without one."),
        TableColumn("people", "integer", "People behind them."),
        TableColumn("customers", "integer", "Customers that they became."),
        TableColumn("pair_precision", "float", "Share of the pairs of records in one customer that are one person."),
        TableColumn("pair_recall", "float", "Share of the pairs of records of one person that are in one customer."),
        TableColumn("traps", "integer", "Planted pairs of records of people who are easily taken for one."),
        TableColumn("traps_sprung", "integer", "Those that are one customer."),
        TableColumn("bcubed_precision", "float", "Mean over records of the share of its customer that is its person."),
        TableColumn("bcubed_recall", "float", "Mean over records of the share of its person that is in its customer."),
        TableColumn("exact_people", "integer", "People who are one customer that is nobody else."),
        TableColumn("published_customers", "integer", "Customers of the published map; known without a truth."),
        TableColumn("largest_customer", "integer", "Records of the largest of them, without devices."),
        TableColumn("conflict_rate", "float", "Share of possible links that names or birth dates contradict."),
        TableColumn("holdout_recall", "float", "Share of links of strong rules that the other rules find again."),
        TableColumn("model_links", "integer", "Links between likely pairs; null where no pair is likely."),
        TableColumn("model_customers", "integer", "Customers that no rules, but such links hold together."),
        TableColumn(
            "threshold_sensitivity", "float", f"Share of them that would fall apart at a probability of {SURE}."
        ),
        TableColumn("judged_links", "integer", "Links of the review sample that stewards judged."),
        TableColumn("judged_correct", "integer", "Those that they found right."),
    ),
    key=("run_id",),
)

_SHOWN_RUNS = 10


def as_row(shape: Shape, evaluation: Evaluation | None, run_id: str, evaluated_at: datetime) -> pa.Table:
    """The row of `identity.evaluations`; what needs a truth is null without one."""
    row = {
        "run_id": run_id,
        "evaluated_at": evaluated_at,
        "published_customers": shape.customers,
        "largest_customer": shape.largest_customer,
        "conflict_rate": shape.conflict_rate,
        "holdout_recall": shape.holdout_recall,
        "model_links": shape.thresholds[0].links if shape.thresholds else None,
        "model_customers": shape.thresholds[0].customers if shape.thresholds else None,
        "threshold_sensitivity": shape.threshold_sensitivity,
        "judged_links": sum(sample.judged for sample in shape.samples),
        "judged_correct": sum(sample.correct for sample in shape.samples),
    }
    if evaluation is not None:
        row |= {
            "records": evaluation.records,
            "people": evaluation.people,
            "customers": evaluation.customers,
            "pair_precision": evaluation.precision,
            "pair_recall": evaluation.recall,
            "traps": sum(trap.planted for trap in evaluation.traps),
            "traps_sprung": sum(trap.sprung for trap in evaluation.traps),
            "bcubed_precision": evaluation.bcubed_precision,
            "bcubed_recall": evaluation.bcubed_recall,
            "exact_people": evaluation.exact_people,
        }
    return pa.Table.from_pylist([{name: row.get(name) for name in EVALUATIONS.column_names}])


def newest_evaluations(warehouse: Warehouse, count: int = _SHOWN_RUNS) -> list[dict[str, Any]]:
    """The newest rows of `identity.evaluations`, the newest first."""
    if not warehouse.exists(str(EVALUATIONS)):
        return []
    return warehouse.rows(f"select * from {EVALUATIONS} order by evaluated_at desc, run_id limit {count}")


def newest_with_truth(warehouse: Warehouse) -> dict[str, Any] | None:
    """The newest row of `identity.evaluations`, if a truth was measured against then."""
    newest = newest_evaluations(warehouse, 1)
    return newest[0] if newest and newest[0]["pair_precision"] is not None else None


def as_text(shape: Shape, evaluation: Evaluation | None) -> str:
    """The figures for a terminal."""
    tables = [*(_of_truth(evaluation) if evaluation else []), *_of_shape(shape)]
    return "\n\n".join(
        [
            *(["\n".join(_lines_of_truth(evaluation))] if evaluation else []),
            "\n".join(_lines_of_shape(shape)),
            *("\n".join([title, *aligned(rows)]) if rows else f"{title}: none" for title, rows in tables),
        ]
    )


def as_markdown(rows: Sequence[Any]) -> str:
    """Figures of one kind as a table."""
    if not rows:
        return "none"
    header, *body = _cells(rows)
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def aligned(rows: Sequence[Any]) -> list[str]:
    """Figures of one kind as the lines of a table for a terminal."""
    cells = _cells(rows)
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    ]


def history_as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of `identity.evaluations` as a table, one line per run."""
    names = [name for name in EVALUATIONS.column_names if name != "run_id"]
    shown = [{name: _cell(row[name]) for name in names} for row in rows]
    return markdown_table(names, shown)


def _lines_of_truth(e: Evaluation) -> list[str]:
    return [
        f"pair precision  {e.precision:.4f}   {e.found_pairs - e.correct_pairs:,} of {e.found_pairs:,} pairs"
        " in one customer are two people",
        f"pair recall     {e.recall:.4f}   {e.true_pairs - e.correct_pairs:,} of {e.true_pairs:,} pairs"
        " of one person are apart",
        f"pair F1         {e.f1:.4f}",
        f"B-cubed         {e.bcubed_precision:.4f} precision, {e.bcubed_recall:.4f} recall, {e.bcubed_f1:.4f} F1",
        f"exact people    {e.exact_share:.4f}   {e.exact_people:,} of {e.people:,} are one customer, and alone in it",
        f"{e.records:,} records of {e.people:,} people became {e.customers:,} customers",
        f"{e.devices:,} devices: {e.devices_right:,} with their person, {e.devices_wrong:,} with another",
        f"{e.absent_records:,} records of the truth never arrived, {e.unknown_records:,} are unknown to it",
    ]


def _lines_of_shape(s: Shape) -> list[str]:
    return [
        f"{s.customers:,} customers of {s.records:,} records; the largest has {s.largest_customer:,}",
        f"conflict rate   {_cell(s.conflict_rate) or 'none'}   of possible links, names or birth dates contradict",
        f"holdout recall  {_cell(s.holdout_recall) or 'none'}   of links of strong rules, other rules find again",
    ]


def _of_truth(evaluation: Evaluation) -> list[tuple[str, Sequence[Any]]]:
    return [
        ("Links by rule, against the truth", evaluation.rules),
        ("Traps", evaluation.traps),
        ("People who are several customers", evaluation.missed),
        (f"Worst false merges (up to {WORST})", evaluation.worst),
        (f"Worst false splits (up to {WORST})", evaluation.worst_splits),
    ]


def _of_shape(shape: Shape) -> list[tuple[str, Sequence[Any]]]:
    return [
        ("Rules", shape.rules),
        ("Customers by records", shape.sizes),
        (f"Largest customers (up to {LARGEST})", shape.largest),
        ("Sampled links that stewards judged", shape.samples),
        ("Likely pairs, were more asked of them", shape.thresholds),
    ]


def _cells(rows: Sequence[Any]) -> list[list[str]]:
    # With what is derived from the fields.
    names = [field.name for field in fields(rows[0])]
    names += [name for name, value in vars(type(rows[0])).items() if isinstance(value, property)]
    body = [[_cell(getattr(row, name)) for name in names] for row in rows]
    return [[name.replace("_", " ") for name in names], *body]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.4f}"
        case int():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return str(value)
