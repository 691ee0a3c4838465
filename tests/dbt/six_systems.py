"""One woman in six systems, a guest, a visitor and an agent: small enough to be worked out by hand."""

from tests.dbt.raw import File

ACCOUNTS = File(
    "salesforce",
    "account",
    [
        {"id": "001A", "name": "Acme", "website": "https://www.acme.ch/", "billing_country": "Schweiz",
         "created_date": "2023-01-01 00:00:00+00", "system_modstamp": "2024-01-01 00:00:00+00"},
        {"id": "001B", "name": "Acme again", "is_deleted": True, "master_record_id": "001A",
         "system_modstamp": "2024-01-01 00:00:00+00"},
    ],
)  # fmt: skip
LEADS = File(
    "salesforce",
    "lead",
    [
        {"id": "00QA", "first_name": "Ann", "last_name": "Meier", "company": "Acme", "is_converted": True,
         "converted_date": "2024-02-01", "converted_contact_id": "003A", "created_date": "2024-01-10 09:00:00+00",
         "system_modstamp": "2024-02-01 09:00:00+00"},
        {"id": "00QB", "first_name": "Ann", "last_name": "Meier", "company": "Acme", "is_deleted": True,
         "master_record_id": "00QA", "created_date": "2024-01-11 09:00:00+00",
         "system_modstamp": "2024-02-01 09:00:00+00"},
    ],
)  # fmt: skip
CONTACTS = File(
    "salesforce",
    "contact",
    [
        {"id": "003A", "account_id": "001A", "first_name": "Ann", "last_name": "Meier", "email": "ann@work.ch",
         "title": "Buyer", "phone": "044 668 18 00", "mobile_phone": "079 123 45 67", "mailing_country": "CH",
         "birthdate": "1990-05-01", "shop_customer_id__c": "7", "created_date": "2024-02-01 09:00:00+00",
         "system_modstamp": "2024-02-01 09:00:00+00"},
    ],
)  # fmt: skip
LATE_CONTACTS = File(
    "salesforce",
    "contact",
    [{"id": "003A", "first_name": "Anna", "last_name": "Old", "system_modstamp": "2023-02-01 09:00:00+00"}],
    name="late.jsonl",
    rejected=[{"line": 2, "reason": "no Id", "raw": '{"FirstName": "Nobody"}'}],
)
DEALS = File(
    "salesforce",
    "opportunity",
    [
        {"id": "006A", "account_id": "001A", "contact_id": "003A", "name": "Uniforms", "amount": 500,
         "currency_iso_code": "EUR", "is_closed": True, "is_won": True, "close_date": "2024-03-01",
         "created_date": "2024-02-02 09:00:00+00", "system_modstamp": "2024-03-01 09:00:00+00"},
        # Nobody knows when it was made, which stops nothing else.
        {"id": "006B", "contact_id": "003A", "name": "Undated", "system_modstamp": "2024-03-01 09:00:00+00"},
    ],
)  # fmt: skip
SHOP_CUSTOMERS = File(
    "shopify",
    "customers",
    [
        {"id": "7", "email": "Ann@home.ch", "first_name": "Ann", "last_name": "Meier",
         "default_address": {"address1": "Lindenweg 1", "city": "Bern", "zip": "3000", "country_code": "CH"},
         "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "2024-01-05T10:00:00Z"},
         "created_at": "2024-01-05 10:00:00+00", "updated_at": "2024-01-05 10:00:00+00"},
    ],
)  # fmt: skip
ORDERS = File(
    "shopify",
    "orders",
    [
        {"id": "1001", "customer": {"id": 7}, "email": "ann@home.ch", "financial_status": "paid", "currency": "EUR",
         "total_line_items_price": 90, "total_discounts": 0, "source_name": "web",
         "created_at": "2024-04-01 10:20:30+00", "updated_at": "2024-04-01 10:20:30+00"},
        {"id": "1002", "customer": None, "email": "guest@y.com", "financial_status": "paid", "currency": "EUR",
         "billing_address": {"first_name": "Gus", "last_name": "Green", "address1": "High St 1", "country_code": "GB"},
         "total_line_items_price": 10, "created_at": "2024-04-02 10:00:00+00", "updated_at": "2024-04-02 10:00:00+00"},
        {"id": "1003", "customer": {"id": 7}, "test": True, "currency": "EUR", "total_line_items_price": 10,
         "created_at": "2024-04-03 10:00:00+00", "updated_at": "2024-04-03 10:00:00+00"},
    ],
)  # fmt: skip
ORDER_LINES = File(
    "shopify",
    "order_lines",
    [
        {"id": "11", "order_id": "1001", "product_id": "j", "title": "Slim Jeans", "quantity": 2, "price": 40,
         "updated_at": "2024-04-01 10:20:30+00"},
        {"id": "12", "order_id": "1001", "product_id": "b", "title": "Baby Bib", "quantity": 1, "price": 10,
         "updated_at": "2024-04-01 10:20:30+00"},
        {"id": "13", "order_id": "1002", "product_id": "b", "title": "Baby Bib", "quantity": 1, "price": 10,
         "updated_at": "2024-04-02 10:00:00+00"},
    ],
)  # fmt: skip
PAYERS = File(
    "stripe",
    "customers",
    [{"id": "cus_1", "name": "Meier, Ann", "email": "billing@home.ch", "metadata": {"user_id": "u1"},
      "created": 1704448800},
     # Her employer, which pays for itself.
     {"id": "cus_2", "name": "Acme AG", "email": "accounting@acme-group.com", "created": 1704448800}],
)  # fmt: skip
CHARGES = File(
    "stripe",
    "charges",
    [{"id": "ch_1", "amount": 9000, "currency": "eur", "customer": "cus_1", "metadata": {"order_id": "1001"},
      "status": "succeeded", "paid": True, "captured": True, "livemode": True, "created": 1711966840},
     {"id": "ch_2", "amount": 50000, "currency": "eur", "customer": "cus_2", "metadata": {"opportunity_id": "006A"},
      "status": "succeeded", "paid": True, "captured": True, "livemode": True, "created": 1709280000},
     {"id": "ch_3", "amount": 2000, "currency": "eur", "customer": "cus_2", "metadata": {},
      "status": "succeeded", "paid": True, "captured": True, "livemode": True, "created": 1709280000}],
)  # fmt: skip
DESK_USERS = File(
    "zendesk",
    "users",
    [
        {"id": "9", "name": "Ann Meier", "role": "end-user", "external_id": "u1", "locale": "de_CH",
         "created_at": "2024-05-01 08:00:00+00", "updated_at": "2024-05-01 08:00:00+00"},
        {"id": "10", "name": "Agent Smith", "role": "agent", "created_at": "2024-01-01 08:00:00+00",
         "updated_at": "2024-01-01 08:00:00+00"},
    ],
)  # fmt: skip
DESK_TICKETS = File(
    "zendesk",
    "tickets",
    [
        {"id": "1", "subject": "Too small", "description": "They do not fit.", "status": "solved", "requester_id": "9",
         "via": {"channel": "email"}, "metric_set": {"solved_at": "2024-05-02T08:00:00Z"},
         "created_at": "2024-05-01 08:00:00+00", "updated_at": "2024-05-02 08:00:00+00"},
        {"id": "2", "subject": "Printer", "status": "open", "requester_id": "10",
         "created_at": "2024-05-03 08:00:00+00", "updated_at": "2024-05-03 08:00:00+00"},
    ],
)  # fmt: skip
RATINGS = File(
    "zendesk",
    "satisfaction_ratings",
    [{"id": "1", "ticket_id": "1", "score": "good", "created_at": "2024-05-02 09:00:00+00",
      "updated_at": "2024-05-02 09:00:00+00"}],
)  # fmt: skip
APP_USERS = File(
    "app_db",
    "users",
    [{"user_id": "u1", "email": "ann@home.ch", "first_name": "Ann", "last_name": "Meier", "shop_customer_id": "7",
      "created_at": "2024-04-01 10:10:00+00", "updated_at": "2024-04-01 10:10:00+00"}],
)  # fmt: skip
SIGN_INS = File(
    "app_db",
    "sign_ins",
    [{"sign_in_id": "1", "user_id": "u1", "anonymous_id": "d1", "signed_in_at": "2024-04-01 10:10:00+00"}],
)
PAGES = File(
    "web_events",
    "page",
    [
        {"message_id": "m1", "anonymous_id": "d1", "timestamp": "2024-04-01 10:00:00+00",
         "properties": {"path": "/jeans", "url": "https://shop.example/jeans"}},
        {"message_id": "m2", "anonymous_id": "d9", "timestamp": "2024-04-01 11:00:00+00",
         "properties": {"path": "/about"}},
    ],
)  # fmt: skip
TRACKS = File(
    "web_events",
    "track",
    [
        {"message_id": "m3", "anonymous_id": "d1", "event": "Product Viewed", "timestamp": "2024-04-01 10:05:00+00",
         "properties": {"name": "Slim Jeans", "category": "Jeans"}, "context": {"campaign": {"name": "Spring"}}},
        # The application tells of the same.
        {"message_id": "m8", "anonymous_id": "d1", "user_id": "u1", "event": "Signed In",
         "timestamp": "2024-04-01 10:10:01+00", "properties": {}},
        {"message_id": "m4", "anonymous_id": "d1", "user_id": "u1", "event": "Order Completed",
         "timestamp": "2024-04-01 10:20:29+00", "properties": {"order_id": "1001", "total": 90}},
        # The shop knows this order as a test.
        {"message_id": "m7", "anonymous_id": "d1", "user_id": "u1", "event": "Order Completed",
         "timestamp": "2024-04-03 10:00:00+00", "properties": {"order_id": "1003", "total": 10}},
        {"message_id": "m5", "user_id": "u1", "event": "Unsubscribed", "timestamp": "2024-06-01 10:00:00+00",
         "properties": {"email_subject": "Summer is here"}},
    ],
)  # fmt: skip
GROUPS = File(
    "web_events",
    "group",
    [{"message_id": "m9", "user_id": "u1", "group_id": "g1", "timestamp": "2024-04-01 10:10:02+00",
      "traits": {"name": "Acme Schweiz", "website": "https://acme.ch", "employees": 12}}],
)  # fmt: skip
DELIVERED_AGAIN = File("web_events", "track", TRACKS.rows[:1], name="again.jsonl")
LATER_ACCOUNTS = [
    File(
        "salesforce",
        "account",
        [
            {"id": "001A", "name": "Acme", "website": "https://www.acme.ch/", "is_deleted": True,
             "system_modstamp": "2024-07-01 00:00:00+00"},
            # Older than the others in the CRM, but it came later.
            {"id": "001C", "name": "Acme Wien", "website": "acme.at", "parent_id": "001A",
             "created_date": "2020-01-01 00:00:00+00", "system_modstamp": "2024-07-01 00:00:00+00"},
        ],
        name="accounts_2.jsonl",
    ),
    File("erp", "accounts", [{"source_id": "k1", "name": "ACME", "domain": "www.ACME.ch"}]),
]  # fmt: skip
KILLED = File("web_events", "page", [{"message_id": "m6", "anonymous_id": "d1"}], name="killed.jsonl")

LOADS = [
    [ACCOUNTS, LEADS, CONTACTS, DEALS, SHOP_CUSTOMERS, ORDERS, ORDER_LINES, PAYERS, CHARGES],
    [DESK_USERS, DESK_TICKETS, RATINGS, APP_USERS, SIGN_INS, PAGES, TRACKS, GROUPS],
    [LATE_CONTACTS, DELIVERED_AGAIN],
]
