"""Draws the whole world of a company, up to its horizon, as tables that the systems are written from.

Invariant: no draw depends on the day up to which files are written. So what happened stays as it was when the
company is continued, and files only differ in how much of the world they show.
"""

import pyarrow as pa

from scv_platform.simulation import pools
from scv_platform.simulation.behaviour import purchases, sales, subscriptions, support, web
from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import Columns, stream, table
from scv_platform.simulation.people import draw_people
from scv_platform.simulation.records import CONTACT, USER, by_person, draw_records, first_records


def draw_world(company: Company) -> dict[str, pa.Table]:
    """The tables of the world by name, each described where it is drawn."""
    people = draw_people(company)
    goods = pools.products(stream(company.seed, "products"))
    products: Columns = {name: goods[name].to_numpy() for name in ("product_no", "price_cents")}
    tickets = support.draw_tickets(company, people)
    records = draw_records(company, people, tickets)
    user_since = by_person(records, USER, len(people["person_id"]))
    orders = purchases.draw_orders(company, people)
    lines = purchases.draw_lines(company, people, products, orders)
    campaigns = sales.draw_campaigns(company)
    subscribed = subscriptions.draw_subscriptions(company, people)
    devices = web.draw_devices(company, people, user_since)
    sign_ins = web.draw_sign_ins(company, devices, user_since)
    drawn: dict[str, Columns] = {
        "people": people,
        "records": records,
        "orders": orders,
        "lines": lines,
        "tickets": tickets,
        "companies": sales.draw_companies(company, people),
        "deals": sales.draw_deals(company, people, first_records(records, CONTACT)),
        "campaigns": campaigns,
        "memberships": sales.draw_memberships(company, records, campaigns),
        "subscriptions": subscribed,
        "invoices": subscriptions.draw_invoices(company, subscribed),
        "seats": subscriptions.draw_workshop_sales(company, people),
        "devices": devices,
        "sign_ins": sign_ins,
        "sign_ups": web.draw_sign_ups(company, people, devices, user_since),
        "calls": web.draw_calls(company, people, devices, sign_ins, orders, lines, campaigns),
        "mails": web.draw_mails(company, people, campaigns, user_since),
    }
    fixed = {"names": pools.names(), "places": pools.places(), "products": goods}
    return fixed | {name: table(columns) for name, columns in drawn.items()}
