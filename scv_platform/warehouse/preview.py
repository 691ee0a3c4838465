"""The first rows of a table as markdown for asset metadata, without what names a person.

Run history is no place for personal data: of a column that tells anything about one person, a birth date or a town
no less than a name, only that it is there is shown. It is not even read.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlglot import exp

from scv_platform.settings import Privacy
from scv_platform.warehouse.protocol import Warehouse

SHOWN = (Privacy.NONE,)
"""The classes of columns that a preview shows."""
MASK = "•••"
"""What stands for the value of any other column."""
_ROWS = 4
_BAR_WIDTH = 30


def table_preview(warehouse: Warehouse, relation: str, columns: Mapping[str, Privacy], key: Sequence[str]) -> str:
    """The first rows of a wide table by its key, one line per column."""
    shown = [name for name, privacy in columns.items() if privacy in SHOWN]
    select = exp.select(*(exp.column(name, quoted=True) for name in shown)).from_(relation).order_by(*key)
    rows = warehouse.rows(select.limit(_ROWS))
    names = [str(number + 1) for number in range(len(rows))]
    lines = [
        {"column": column, **{name: row.get(column, MASK) for name, row in zip(names, rows, strict=True)}}
        for column in columns
    ]
    return markdown_table(["column", *names], lines)


def markdown_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], numbers: Collection[str] = ()) -> str:
    """The rows as a table, columns of numbers to the right; a cell is one line of at most 80 characters."""
    rule = ["--:" if column in numbers else "---" for column in columns]
    lines = [[*columns], rule, *([_cell(row.get(column)) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bar(share: float) -> str:
    """A share of one as a bar."""
    return "█" * round(share * _BAR_WIDTH)


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|")[:80]
