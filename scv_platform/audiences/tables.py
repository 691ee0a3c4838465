"""The tables of schema `audiences`: who is in which segment and audience since when, and by which rule.

All three are state: no rebuild may drop them.
"""

from scv_platform.warehouse import Table, TableColumn

SCHEMA = "audiences"


def _members(kind: str) -> Table:
    return Table(
        SCHEMA,
        f"{kind}_members",
        f"One row per ({kind}, customer, day of entry): a stay. The stay is open while `exited_at` is null.",
        (
            TableColumn("name", "string", f"The {kind}."),
            TableColumn("customer_id", "string", "The customer."),
            TableColumn("entered_at", "date", "First as_of day of the stay."),
            TableColumn(
                "exited_at",
                "date",
                "First as_of day after the stay, null while it lasts. Equal to `entered_at` when a later run of that"
                " day found that she does not belong.",
            ),
            TableColumn("rule_version", "string", "Version of the rule by which she entered."),
        ),
        ("name", "customer_id", "entered_at"),
    )


SEGMENT_MEMBERS = _members("segment")
AUDIENCE_MEMBERS = _members("audience")
MEMBERS = {"segment": SEGMENT_MEMBERS, "audience": AUDIENCE_MEMBERS}
"""The table of members by kind."""

DEFINITIONS = Table(
    SCHEMA,
    "definitions",
    "One row per version of a rule that was ever evaluated. `last_as_of` is the age of its membership.",
    (
        TableColumn("kind", "string", "segment or audience."),
        TableColumn("name", "string", "Name of the segment or audience."),
        TableColumn("rule_version", "string", "Digest of the rule."),
        TableColumn("yaml", "string", "The file, as it was at the last evaluation."),
        TableColumn("sql", "string", "The compiled rule of the last evaluation."),
        TableColumn("first_as_of", "date", "First as_of day on which this version was evaluated."),
        TableColumn(
            "last_as_of", "date", "Last as_of day on which this version was evaluated, or its file was missed."
        ),
        TableColumn(
            "is_current",
            "boolean",
            "Whether the members now are those of this version; false of all when the file is gone.",
        ),
    ),
    ("kind", "name", "rule_version"),
)
