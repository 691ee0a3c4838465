"""A company small enough to be worked out by hand: a CRM, a shop, a till and a newsletter tool."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.dbt.raw import File, load

LOYALTY = (
    '{"loyalty_tier": {"entity": "people", "type": "string", "survivorship": "newest", "privacy": "quasi",'
    ' "description": "Tier of the card."},'
    ' "gift_wrap": {"entity": "transactions", "type": "boolean", "survivorship": "newest", "privacy": "none",'
    ' "description": "Whether it was wrapped."},'
    ' "points": {"entity": "people", "type": "decimal", "survivorship": "newest", "privacy": "none",'
    ' "description": "Points of the card."}}'
)

CRM = File(
    "crm",
    "people",
    [
        {"source_id": "1", "full_name": "Meier, Anna", "email": "Anna@X.ch", "country": "Schweiz", "city": "Bern",
         "phone": "044 668 18 00", "updated_at": "2024-01-10 00:00:00+00"},
        {"source_id": "2", "given_name": "Bob", "email": "bob@x.ch", "birth_date": "1980-07-01",
         "updated_at": "2024-01-10 00:00:00+00", "is_deleted": True},
        {"source_id": "3", "given_name": "Carla", "email": "carla@x.ch", "country": "Atlantis"},
        {"source_id": "4", "given_name": "Reception", "email": "info@x.ch"},
        {"source_id": "5", "given_name": "Desk", "email": "info@x.ch"},
    ],
    name="contacts.csv",
    rejected=[{"line": 9, "reason": "source_id is null", "raw": ",,Nobody"}],
)  # fmt: skip
CRM_LATER = File(
    "crm",
    "people",
    [
        # An older version that arrives late, and a newer one.
        {"source_id": "1", "full_name": "Meier, Old", "updated_at": "2023-01-10 00:00:00+00"},
        {"source_id": "3", "given_name": "Carla", "family_name": "Caro", "email": "carla@x.ch", "country": "IT"},
    ],
    name="contacts_2.csv",
)  # fmt: skip
SHOP_PEOPLE = File(
    "shop",
    "people",
    [
        {"source_id": "A", "given_name": "Anna M.", "email": "anna@x.ch", "updated_at": "2024-03-01 00:00:00+00",
         "loyalty_tier": "gold", "points": "12.5"},
        {"source_id": "B", "given_name": "Bobby", "email": "bob@x.ch", "updated_at": "2024-01-01 00:00:00+00"},
    ],
    name="customers.csv",
)  # fmt: skip
SHOP_ORDERS = File(
    "shop",
    "transactions",
    [
        {"source_id": "o1", "transaction_type": "sale", "person_source_id": "A", "gross_amount": 120,
         "occurred_at": "2024-06-30 22:30:00+00", "discount_amount": 20, "shipping_amount": 5, "currency": "EUR",
         "gift_wrap": True},
        {"source_id": "o2", "transaction_type": "sale", "person_source_id": "B", "gross_amount": 50,
         "occurred_at": "2024-05-01 10:00:00+00", "currency": "EUR"},
        {"source_id": "r2", "order_id": "o2", "transaction_type": "refund", "occurred_at": "2024-05-03 10:00:00+00",
         "refund_amount": 50, "currency": "EUR"},
        {"source_id": "o3", "transaction_type": "sale", "email": "Guest@Y.com", "occurred_at": "2024-06-01 10:00:00+00",
         "gross_amount": 30, "currency": "EUR"},
        {"source_id": "o4", "transaction_type": "sale", "email": "noreply@shop.ch", "gross_amount": 7,
         "occurred_at": "2024-06-02 10:00:00+00", "currency": "EUR"},
        {"source_id": "o5", "transaction_type": "sale", "person_source_id": "Z", "gross_amount": 11,
         "occurred_at": "2024-06-03 10:00:00+00", "currency": "USD"},
        {"source_id": "o6", "transaction_type": "sale", "person_source_id": "A", "gross_amount": 999,
         "occurred_at": "2024-06-04 10:00:00+00", "status": "Cancelled", "currency": "EUR"},
    ],
    name="orders.csv",
)  # fmt: skip
SHOP_LINES = File(
    "shop",
    "transaction_lines",
    [
        {"source_id": "o1-1", "transaction_source_id": "o1", "product_id": "p1", "quantity": 2, "unit_price": 60,
         "discount_amount": 20},
        {"source_id": "o7-1", "transaction_source_id": "o7", "product_id": "p1", "quantity": 1, "unit_price": 60},
    ],
    name="lines.parquet",
)  # fmt: skip
TILL = File(
    "till",
    "transaction_lines",
    [
        {"source_id": "1", "transaction_source_id": "t1", "product_id": "p1", "quantity": 1, "unit_price": 60,
         "occurred_at": "2024-04-01 10:00:00+00", "email": "guest@y.com", "currency": "EUR"},
        {"source_id": "2", "transaction_source_id": "t1", "product_id": "p2", "product_name": "Pan", "quantity": -1,
         "unit_price": 10, "occurred_at": "2024-04-01 09:00:00+00", "email": "guest@y.com", "currency": "EUR"},
    ],
    name="receipts.csv",
    content="receipts",
)  # fmt: skip
TILL_BADLY_MAPPED = File(
    "till",
    "transaction_lines",
    [{"source_id": "1", "transaction_source_id": "wrong", "quantity": 1, "unit_price": 1}],
    name="receipts.csv",
    content="receipts",
    mapping="m0",
    rejected=[{"line": 2, "reason": "wrong mapping", "raw": "x"}],
)
PRODUCTS = File(
    "shop",
    "products",
    [{"product_id": "p1", "name": "Pot", "category": "Kitchen", "cost": 25, "currency": "EUR"}],
    name="products.csv",
)
CONSENTS = File(
    "news",
    "consents",
    [
        {"email": "ANNA@x.ch", "purpose": "Email_Marketing", "channel": "email", "status": "granted",
         "occurred_at": "2024-01-01 00:00:00+00"},
        {"email": "anna@x.ch", "purpose": "email_marketing", "channel": "email", "status": "denied",
         "occurred_at": "2024-02-01 00:00:00+00"},
        {"phone": "+41 44 668 18 00", "purpose": "sms", "status": "granted", "occurred_at": "2024-01-01 00:00:00+00"},
    ],
    name="consents.jsonl",
)  # fmt: skip
EVENTS = File(
    "web",
    "events",
    [
        {"message_id": "m1", "event": "Signed In", "person_source_id": "w1", "user_id": "u1", "email": "carla@x.ch",
         "occurred_at": "2024-06-01 10:00:00+00", "properties": '{"a": 1}'},
        {"message_id": "m2", "event": "Product Viewed", "user_id": "u1", "occurred_at": "2024-06-02 10:00:00+00"},
        {"message_id": "m3", "event": "Product Viewed", "anonymous_id": "d1", "occurred_at": "2024-06-03 10:00:00+00"},
    ],
    name="events.jsonl",
)  # fmt: skip
TICKETS = File(
    "desk",
    "tickets",
    [{"source_id": "9", "email": "carla@x.ch", "created_at": "2024-06-05 10:00:00+00"}],
    name="tickets.csv",
)
IDENTIFIERS = File(
    "desk",
    "identifiers",
    [
        {"person_source_id": "q7", "identifier_type": "Email", "identifier_value": "guest@y.com"},
        {"person_source_id": "q7", "identifier_type": "card", "identifier_value": "4711"},
    ],
    name="identifiers.csv",
)
KILLED = File("crm", "people", [{"source_id": "6", "given_name": "Ghost"}], name="contacts_3.csv")

LOADS = [
    [CRM, SHOP_PEOPLE, SHOP_ORDERS, SHOP_LINES, TILL_BADLY_MAPPED, PRODUCTS],
    [CRM_LATER, TILL, CONSENTS, EVENTS, TICKETS, IDENTIFIERS],
    [KILLED],
]


def bring(path: Path, number: int, files: Sequence[File]) -> None:
    """Append one load of the company; the one with the killed file never completes."""
    load(path, number, files, complete=KILLED not in files)


def bring_people(path: Path, number: int, emails: Mapping[str, str]) -> None:
    """Append a load of CRM people with these addresses, a file with a content of its own."""
    rows = [{"source_id": source_id, "email": email} for source_id, email in emails.items()]
    load(path, number, [File("crm", "people", rows, name=f"people_{number}.csv")])


def backwards(files: Sequence[File]) -> list[File]:
    """The files in the opposite order, except where the order of loads is all that tells what is newer."""
    newer = [CRM_LATER, TILL]
    return [file for file in reversed(files) if file not in newer] + newer
