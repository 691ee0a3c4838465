"""The nine canonical entities that a no-code file can be mapped to, and the raw table of each.

`raw_files.<entity>` holds the columns below, the custom fields of the entity, and the lineage columns
that every raw row carries. The dbt source YAML declares the same columns; a test keeps the two equal.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class ColumnType(StrEnum):
    """Type of a canonical column, by dlt's names."""

    TEXT = "text"
    DECIMAL = "decimal"
    BIGINT = "bigint"
    BOOL = "bool"
    DATE = "date"
    TIMESTAMP = "timestamp"
    JSON = "json"


@dataclass(frozen=True)
class Column:
    """One column of an entity. A row whose required column is null is not that entity."""

    name: str
    type: ColumnType = ColumnType.TEXT
    required: bool = False
    is_unix_time: bool = False
    """Whether its numbers are seconds since 1970, in UTC."""


@dataclass(frozen=True)
class Entity:
    """One canonical entity: its columns, and the column that identifies a row inside a source.

    `key` is null for entities that are facts about a person without an id of their own.
    """

    name: str
    key: str | None
    columns: tuple[Column, ...]
    accepts_custom_fields: bool = False
    _by_name: dict[str, Column] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})

    def column(self, name: str) -> Column:
        """The column of that name; `KeyError` when the entity has none."""
        return self._by_name[name]


def _columns(names: str, required: str = "") -> tuple[Column, ...]:
    """Columns from `name:type` words, text where no type is given."""
    pairs = (word.partition(":") for word in names.split())
    return tuple(Column(name, ColumnType(kind or "text"), name in required.split()) for name, _, kind in pairs)


ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        Entity(
            "people",
            "source_id",
            _columns(
                "source_id given_name family_name full_name email phone birth_date:date gender job_title street city"
                " region postcode country language user_id anonymous_id national_id account_source_id"
                " created_at:timestamp updated_at:timestamp is_deleted:bool",
                required="source_id",
            ),
            accepts_custom_fields=True,
        ),
        Entity(
            "identifiers",
            None,
            _columns(
                "person_source_id identifier_type identifier_value observed_at:timestamp",
                required="person_source_id identifier_type identifier_value",
            ),
        ),
        Entity(
            "transactions",
            "source_id",
            _columns(
                "source_id order_id transaction_type person_source_id email occurred_at:timestamp currency"
                " gross_amount:decimal discount_amount:decimal tax_amount:decimal shipping_amount:decimal"
                " refund_amount:decimal cost_amount:decimal status channel store_id seller_source_id"
                " account_source_id updated_at:timestamp",
                required="source_id occurred_at",
            ),
            accepts_custom_fields=True,
        ),
        Entity(
            "transaction_lines",
            "source_id",
            _columns(
                "source_id transaction_source_id product_id sku product_name category brand quantity:decimal"
                " unit_price:decimal discount_amount:decimal amount:decimal unit_cost:decimal person_source_id email"
                " occurred_at:timestamp currency order_id transaction_type status channel",
                required="source_id transaction_source_id",
            ),
        ),
        Entity(
            "events",
            "message_id",
            _columns(
                "message_id event person_source_id user_id anonymous_id email occurred_at:timestamp"
                " received_at:timestamp channel page_url category value:decimal currency campaign properties:json",
                required="message_id event occurred_at",
            ),
        ),
        Entity(
            "tickets",
            "source_id",
            _columns(
                "source_id person_source_id email subject body status priority channel created_at:timestamp"
                " solved_at:timestamp satisfaction",
                required="source_id created_at",
            ),
        ),
        Entity(
            "consents",
            None,
            _columns(
                "person_source_id email phone purpose channel status occurred_at:timestamp",
                required="purpose status occurred_at",
            ),
        ),
        Entity(
            "products",
            "product_id",
            _columns(
                "product_id sku name category brand price:decimal cost:decimal currency",
                required="product_id",
            ),
        ),
        Entity(
            "accounts",
            "source_id",
            _columns(
                "source_id name domain industry employees:bigint parent_source_id updated_at:timestamp",
                required="source_id name",
            ),
        ),
    )
}
"""The entities by name, in the order in which people read them."""

LINEAGE_COLUMNS: tuple[Column, ...] = (
    Column("source", required=True),
    Column("_content_hash", required=True),
    Column("_line", ColumnType.BIGINT, required=True),
    Column("_dlt_load_id", required=True),
)
"""What every raw row carries: its source in `config/sources.yml`, the content hash of its file, the line
it begins on, and the load that brought it."""

LOADED_FILES: tuple[Column, ...] = _columns(
    "source entity file file_hash mapping_hash size_bytes:bigint rows_loaded:bigint rows_rejected:bigint"
    " rows_skipped:bigint skipped:json _dlt_load_id",
    required="source entity file file_hash mapping_hash _dlt_load_id",
)
"""`_loaded_files`: one row per (source, entity, file content, mapping) that was loaded."""

REJECTED_ROWS: tuple[Column, ...] = _columns(
    "source table_name file line:bigint reason raw loaded_at:timestamp _dlt_load_id",
    required="source table_name file reason loaded_at _dlt_load_id",
)
"""`_rejected_rows`: one row per row of a file that could not be loaded, with the reason."""
