"""What each system of the shop writes down about the world, in its own words and formats.

Three systems know the same people by different numbers: the web shop, the till of the store, and a German
newsletter tool. Each file is one select over the tables of the world, and some carry broken rows on
purpose: a platform has to say which rows it could not read.
"""

from dataclasses import dataclass

from scv_platform.simulation.rates import Rates


@dataclass(frozen=True)
class Export:
    """One file: where it lies, its format as options of DuckDB's `copy`, its rows, and broken lines at its end."""

    path: str
    options: str
    select: str
    broken: tuple[str, ...] = ()


_CSV = "format csv, header"
_GERMAN_CSV = "format csv, header, delimiter ';'"
_JSON_LINES = "format json, timestampformat '%Y-%m-%dT%H:%M:%SZ'"
_PARQUET = "format parquet, compression zstd"


def views(rates: Rates) -> tuple[str, ...]:
    """Statements that define what more than one file needs."""
    return (
        "create view priced_lines as select *, quantity * price_cents as goods_cents from lines",
        # An account holder who registered again uses the newer account from then on.
        f"""
        create view shop_orders as
        select
            orders.*,
            people.email,
            'W' || (100001 + order_no) as order_number,
            case when not as_guest then {_account("has_second_account and occurred_at >= registered_again_at")} end
                as customer_number
        from orders
        join people using (person_id)
        where not in_store
        """,
        f"""
        create view shop_totals as
        select
            order_no,
            sum(goods_cents) as goods_cents,
            sum(discount_cents) as discount_cents,
            case when sum(goods_cents - discount_cents) >= {rates.free_shipping_cents} then 0
                else {rates.shipping_cents} end as shipping_cents,
            sum(goods_cents - discount_cents) filter (is_returned) as returned_cents,
            any_value(returned_at) as returned_at,
        from priced_lines
        group by order_no
        """,
        """
        create view receipts as
        select
            orders.order_no,
            orders.has_bag,
            orders.occurred_at,
            case when left_email then people.email end as email
        from orders
        join people using (person_id)
        where in_store
        """,
    )


def exports(rates: Rates) -> tuple[Export, ...]:
    """Every file of the company, those of one system in one folder."""
    return (
        Export("shop/people.csv", _CSV, _shop_people(), _BROKEN_PEOPLE),
        Export("shop/products.csv", _CSV, _SHOP_PRODUCTS),
        Export("shop/transactions.csv", _CSV, _shop_transactions(rates), _BROKEN_TRANSACTIONS),
        Export("shop/order_lines.parquet", _PARQUET, _shop_lines()),
        Export("shop/consents.jsonl", _JSON_LINES, _shop_consents(), _BROKEN_CONSENTS),
        Export("till/receipts.csv", _GERMAN_CSV, _TILL_RECEIPTS, _BROKEN_RECEIPTS),
        Export("newsletter/subscribers.csv", _GERMAN_CSV, _NEWSLETTER_SUBSCRIBERS, _BROKEN_SUBSCRIBERS),
    )


def truth() -> Export:
    """Which record belongs to which person. A guest's record is named by the hash of the e-mail."""
    return Export("truth/records.parquet", _PARQUET, _TRUTH)


def _account(is_second: str) -> str:
    """The customer number of a person's first or second account."""
    return f"'K' || (100001 + 2 * person_id + case when {is_second} then 1 else 0 end)"


def _money(cents: str) -> str:
    """An amount with two decimals, exact, of whole cents."""
    return f"cast(({cents}) * 0.01 as decimal(18, 2))"


def _shop_people() -> str:
    return f"""
    with accounts as (
        select *, {_account("false")} as customer_number, registered_at as account_from, phone as mobile
        from people where has_account
        union all
        select *, {_account("true")}, registered_again_at, null
        from people where has_second_account
    ),
    tiers as (
        select customer_number, count(*) as orders from shop_orders where not is_cancelled group by all
    )
    select
        customer_number,
        given_name as first_name,
        family_name as last_name,
        email as mail,
        mobile,
        birth_date as born,
        gender as sex,
        street,
        city as town,
        postcode as zip,
        country as country_code,
        language,
        case when orders >= 10 then 'gold' when orders >= 5 then 'silver' when orders >= 2 then 'bronze' end as tier,
        account_from as registered_at
    from accounts
    left join tiers using (customer_number)
    order by account_from, customer_number
    """


_BROKEN_PEOPLE = (
    ",Nora,Ohnenummer,nora@example.com,,1990-05-01,f,,,,DE,de,,2024-01-01 09:00:00",
    "K900001,Emil,Schaltjahr,emil@example.com,,1991-02-30,m,,,,DE,de,,2024-01-01 09:00:00",
)
"""No customer number; born on a day that does not exist."""

_SHOP_PRODUCTS = f"""
    select
        'P' || (1001 + product_no) as product_number,
        upper(left(category, 3)) || '-' || lpad(cast(product_no as varchar), 4, '0') as sku,
        name,
        category,
        brand,
        {_money("price_cents")} as price,
        {_money("cost_cents")} as cost,
        'EUR' as currency
    from products
    order by product_no
"""


def _shop_transactions(rates: Rates) -> str:
    goods = "goods_cents - discount_cents"
    return f"""
    with booked as (
        select
            order_number as number,
            'order' as kind,
            occurred_at as booked_at,
            case when is_cancelled then 'cancelled' when is_on_its_way then 'sent' else 'delivered' end as state,
            {_money("goods_cents")} as goods,
            {_money("discount_cents")} as voucher,
            {_money(f"({goods} + shipping_cents) * {rates.tax_percent} // 100")} as tax,
            {_money("shipping_cents")} as shipping,
            null as refunded,
            *
        from shop_orders
        join shop_totals using (order_no)
        union all
        select
            'R' || (100001 + order_no), 'return', returned_at, 'done', null, null, null, null,
            {_money("returned_cents")}, *
        from shop_orders
        join shop_totals using (order_no)
        where returned_cents is not null
        union all
        select
            'G' || (100001 + order_no), 'refund', goodwill_at, 'done', null, null, null, null,
            {_money(f"({goods}) * {rates.goodwill_percent} // 100")}, *
        from shop_orders
        join shop_totals using (order_no)
        where has_goodwill
    )
    select
        number,
        kind,
        order_number,
        customer_number,
        case when customer_number is null then email end as guest_mail,
        booked_at,
        'EUR' as currency,
        goods,
        voucher,
        tax,
        shipping,
        refunded,
        state
    from booked
    order by booked_at, number
    """


_BROKEN_TRANSACTIONS = (
    "W900001,order,W900001,K100001,,yesterday,EUR,10.00,0.00,1.90,4.90,,delivered",
    "W900002,order,W900002,K100001,,2024-01-01 09:00:00,EUR,ten,0.00,1.90,4.90,,delivered",
)
"""A day in words; an amount in words."""


def _shop_lines() -> str:
    return f"""
    with goods as (
        select order_number as number, * from shop_orders join priced_lines using (order_no)
        union all
        select 'R' || (100001 + order_no), * from shop_orders join priced_lines using (order_no) where is_returned
    )
    select
        number,
        position,
        'P' || (1001 + product_no) as product_number,
        name as product_name,
        quantity,
        {_money("goods.price_cents")} as unit_price,
        {_money("discount_cents")} as voucher,
        {_money("cost_cents")} as unit_cost
    from goods
    join products using (product_no)
    order by order_no, number, position
    """


def _shop_consents() -> str:
    return f"""
    select
        {_account("false")} as customer,
        email as mail,
        purpose,
        split_part(purpose, '_', 1) as channel,
        status,
        answered_at
    from consents
    join people using (person_id)
    order by answered_at, person_id, purpose
    """


_BROKEN_CONSENTS = ('{"customer":"K100001","mail":"anna@example.com","purpose":"email_mark',)
"""A line that breaks off."""

_TILL_RECEIPTS = """
    with positions as (
        select 200001 + 2 * order_no as receipt, position, occurred_at as moment, email, product_no, quantity
        from receipts
        join lines using (order_no)
        union all
        select 200002 + 2 * order_no, position, returned_at, email, product_no, -quantity
        from receipts
        join lines using (order_no)
        where is_returned
    ),
    printed as (
        select receipt, position, moment, email, 'P' || (1001 + product_no) as article, name, quantity, price_cents
        from positions
        join products using (product_no)
        union all
        select 200001 + 2 * order_no, 99, occurred_at, email, 'BAG', 'Tragetasche', 1, 20
        from receipts
        where has_bag
    )
    select
        'B' || receipt as "Bon",
        position as "Position",
        strftime(timezone('Europe/Berlin', timezone('UTC', moment)), '%d.%m.%Y %H:%M') as "Zeit",
        article as "Artikel",
        name as "Bezeichnung",
        quantity as "Menge",
        translate(format('{:,.2f}', price_cents / 100), ',.', '.,') as "Einzelpreis",
        email as "E-Mail"
    from printed
    order by moment, receipt, position
"""

_BROKEN_RECEIPTS = ("B900001;1;32.13.2024 10:00;P1001;Zelt;1;59,90;",)
"""A day that does not exist."""

_NEWSLETTER_SUBSCRIBERS = """
    with subscribers as (
        select
            *,
            7000001 + person_id as number,
            case when subscribed_with_other_email then other_email else email end as address
        from people
        where in_newsletter
    )
    select
        number as "Nr",
        case when subscribed_in_capitals then upper(address) else address end as "E-Mail",
        given_name as "Vorname",
        family_name as "Nachname",
        case country
            when 'DE' then 'Deutschland'
            when 'AT' then 'Österreich'
            when 'FR' then 'Frankreich'
            when 'NL' then 'Niederlande'
            when 'ES' then 'Spanien'
        end as "Land",
        case when has_unsubscribed then 'abgemeldet' else 'aktiv' end as "Status",
        strftime(subscribed_at, '%d.%m.%Y %H:%M') as "Angemeldet am",
        strftime(case when has_unsubscribed then unsubscribed_at else subscribed_at end, '%d.%m.%Y %H:%M')
            as "Letzte Änderung"
    from subscribers
    order by number
"""

_BROKEN_SUBSCRIBERS = ("9900001;otto@example.com;Otto;Unfug;Deutschland;aktiv;gestern;gestern",)
"""A day in words."""

_TRUTH = f"""
    with guests as (
        select 'shop' as source, email, person_id
        from shop_orders
        where customer_number is null
        union
        select 'till', email, person_id
        from orders
        join people using (person_id)
        where in_store and left_email
    ),
    records as (
        select 'shop:' || {_account("false")} as record_id, person_id from people where has_account
        union all
        select 'shop:' || {_account("true")}, person_id from people where has_second_account
        union all
        select 'newsletter:' || (7000001 + person_id), person_id from people where in_newsletter
        union all
        select source || ':guest:' || left(sha256(lower(email)), 16), person_id from guests
    )
    select record_id, person_id
    from records
    order by record_id
"""
