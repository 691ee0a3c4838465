from pathlib import Path

from scv_platform.settings import Privacy
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from scv_platform.warehouse.preview import table_preview


def test_a_preview_shows_the_first_rows_by_key_and_masks_what_names_a_person(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.run(
        [
            "create schema lab",
            "create table lab.people (id integer, email varchar, mood varchar, city varchar, note varchar)",
            "insert into lab.people select 9 - range, 'ann@x.com', 'sad', 'Bern', 'A|B' from range(9)",
        ]
    )
    classes = {
        "id": Privacy.NONE,
        "email": Privacy.DIRECT,
        "mood": Privacy.SENSITIVE,
        "city": Privacy.QUASI,
        "note": Privacy.NONE,
    }
    assert table_preview(warehouse, "lab.people", classes, ["id"]).splitlines() == [
        "| column | 1 | 2 | 3 | 4 |",
        "| --- | --- | --- | --- | --- |",
        "| id | 1 | 2 | 3 | 4 |",
        "| email | ••• | ••• | ••• | ••• |",
        "| mood | ••• | ••• | ••• | ••• |",
        "| city | ••• | ••• | ••• | ••• |",
        "| note | A\\|B | A\\|B | A\\|B | A\\|B |",
    ]
