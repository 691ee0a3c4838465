"""The tables of schema `activation`: who must not be sent anywhere, and what was sent. Both are state."""

from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, TableColumn

SUPPRESSIONS = Table(
    "activation",
    "suppressions",
    "One row per person who must never be sent anywhere, named by customer_id, by an identifier, or by both. Give the"
    " identifier wherever it is known: a customer_id ends when the customer is merged into another.",
    (
        TableColumn("customer_id", "string", "The customer, null when only an identifier is known."),
        TableColumn("identifier_type", "string", "Kind of the identifier, as in `identity.identifiers`."),
        TableColumn("identifier_value", "string", "The identifier; a phone number as + and digits.", Privacy.DIRECT),
        TableColumn("reason", "string", "Why, in words."),
        TableColumn("created_at", "timestamp", "Since when (UTC)."),
    ),
    ("customer_id", "identifier_type", "identifier_value"),
)

SYNC_RUNS = Table(
    "activation",
    "sync_runs",
    "One row per attempt to send an audience to a destination, written before the first byte. A row that stays"
    " `started` belongs to a run that was killed.",
    (
        TableColumn("run_id", "string", "The Dagster run."),
        TableColumn("destination", "string", "Name of the destination."),
        TableColumn("audience", "string", "Name of the audience."),
        TableColumn("as_of", "date", "The day of the membership that was sent, null when it came to none."),
        TableColumn("status", "string", "started, succeeded or failed."),
        TableColumn("rows_sent", "integer", "Customers that the destination has now; 0 unless it succeeded."),
        TableColumn("rows_withheld", "integer", "Members whom the gate held back."),
        TableColumn("started_at", "timestamp", "When the attempt began (UTC)."),
        TableColumn("finished_at", "timestamp", "When it ended (UTC), null until then."),
        TableColumn("error", "string", "Why it failed."),
    ),
    ("run_id", "destination", "audience"),
)
