"""The shop: accounts, orders with those of guests, lines, refunds and products, as its REST objects."""

from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems.export import PARQUET, Export

ORDER_BASE = 5_400_000_000_000
REFUND_BASE = 9_100_000_000_000
LINE_BASE = 13_000_000_000_000
PRODUCT_BASE = 8_000_000_000_000


def tables() -> tuple[str, ...]:
    """What more than one file needs: the state of the orders on the day."""
    return (
        """
        create table shop_orders as
        select
            order_money.*,
            5400000000000 + 11 * order_money.order_no as order_id,
            cast(named.source_id as bigint) as customer_id,
            case when customer_id is null then guest_mails.email else shop.email end as email,
            guest_mails.email as guest_email,
            case when gave_phone then written_phone(persons.country, phone_digits(persons.country, true_phone_no), 4)
                end as phone,
            greatest(
                occurred_at,
                coalesce(seen(paid_at), occurred_at),
                coalesce(seen(sent_at), occurred_at),
                coalesce(seen(cancelled_at), occurred_at),
                coalesce(seen(refund_money.refunded_at), occurred_at)
            ) as updated_at,
            happened(refund_money.refunded_at) as has_refund,
            refund_money.is_full,
            persons.given_name,
            persons.family_name,
            addresses.street,
            addresses.city,
            addresses.postcode
        from order_money
        join guest_mails using (order_no)
        join persons using (person_id)
        join addresses on addresses.person_id = order_money.person_id
            and addresses.is_moved = coalesce(persons.moved_at <= occurred_at, false)
        left join refund_money on refund_money.order_no = order_money.order_no
        left join named on named.record_no = order_money.shop_no
        -- What the shop knew of the customer then.
        asof left join versions as shop on shop.record_no = order_money.shop_no
            and order_money.occurred_at >= shop.valid_from
        where occurred_at < horizon()
        order by order_money.order_no
        """,
    )


def exports(rates: Rates) -> tuple[Export, ...]:
    """The files of the shop."""
    return (
        Export("shopify", "customers", _customers(rates), broken=_BROKEN_CUSTOMERS),
        Export("shopify", "orders", _ORDERS, broken=_BROKEN_ORDERS),
        Export("shopify", "order_lines", _LINES, PARQUET),
        Export("shopify", "refunds", _REFUNDS),
        Export("shopify", "products", _PRODUCTS),
    )


def _consent(agrees: str, share: float) -> str:
    granted = f"{agrees} < {share}"
    return f"""{{
        'state': case when {granted} and happened(withdrawn_at) then 'unsubscribed'
            when {granted} then 'subscribed' else 'not_subscribed' end,
        'opt_in_level': case when {granted} then 'single_opt_in' end,
        'consent_updated_at': case when {granted} then shop_time(coalesce(seen(withdrawn_at), created_at)) end
    }}"""


def _customers(rates: Rates) -> str:
    return f"""
        select
            cast(source_id as bigint) as id,
            email,
            given_name as first_name,
            family_name as last_name,
            phone,
            case when extra < 0.9 then 'enabled' else 'invited' end as state,
            extra < 0.8 as verified_email,
            currency_of(country) as currency,
            case when extra < 0.05 then 'vip, newsletter' else '' end as tags,
            cast(null as varchar) as note,
            {{
                'first_name': given_name, 'last_name': family_name, 'phone': phone, 'address1': street, 'city': city,
                'province': cast(null as varchar), 'zip': postcode, 'country_code': country
            }} as default_address,
            {_consent("email_consent", rates.email_consent_share)} as email_marketing_consent,
            {_consent("sms_consent", rates.sms_consent_share)} as sms_marketing_consent,
            shop_time(created_at) as created_at,
            shop_time(updated_at) as updated_at
        from faces
        where kind = 'shop' and is_new(faces.updated_at)
        order by faces.created_at, faces.source_id
    """


_BROKEN_CUSTOMERS = (
    '{"id": 7999999999991, "email": "half@exam',
    '{"email": "nora@example.com", "first_name": "Nora", "created_at": "2026-01-05T11:00:00+01:00", '
    '"updated_at": "2026-01-05T11:00:00+01:00"}',
)
"""Half a line; no id."""

_ADDRESS = """{
    'first_name': given_name, 'last_name': family_name, 'phone': phone, 'address1': street, 'city': city,
    'province': cast(null as varchar), 'zip': postcode, 'country_code': country
}"""

_ORDERS = f"""
    select
        order_id as id,
        '#' || (1001 + order_no) as name,
        email,
        phone,
        case when customer_id is not null then {{'id': customer_id}} end as customer,
        {_ADDRESS} as billing_address,
        case when source_name <> 'pos' then {_ADDRESS} end as shipping_address,
        case
            when has_refund and is_full then 'refunded'
            when has_refund then 'partially_refunded'
            when paid_at is null and happened(cancelled_at) then 'voided'
            when happened(paid_at) or is_test then 'paid'
            else 'pending'
        end as financial_status,
        case when happened(sent_at) then 'fulfilled' end as fulfillment_status,
        case when happened(cancelled_at) then shop_time(cancelled_at) end as cancelled_at,
        case when happened(cancelled_at) then
            case when paid_at is null then 'declined' else 'customer' end end as cancel_reason,
        is_test as test,
        'EUR' as currency,
        paid_currency as presentment_currency,
        money(goods_cents) as total_line_items_price,
        money(discount_cents) as total_discounts,
        money(net_cents) as subtotal_price,
        money(tax_cents) as total_tax,
        false as taxes_included,
        {{
            'shop_money': {{'amount': money(shipping_cents), 'currency_code': 'EUR'}},
            'presentment_money': {{'amount': money(cast(round(shipping_cents * rate) as bigint)),
                'currency_code': paid_currency}}
        }} as total_shipping_price_set,
        money(total_cents) as total_price,
        source_name,
        case when landing = 0 and source_name = 'web' then '/?utm_source=google&utm_medium=cpc' else '/' end
            as landing_site,
        case when landing = 0 and source_name = 'web' then 'https://www.google.com/' end as referring_site,
        case when has_voucher then [{{'code': 'WELCOME', 'amount': money(discount_cents), 'type': 'percentage'}}]
            else [] end as discount_codes,
        case when source_name = 'marketplace' then [{{'name': 'seller_id', 'value': 's' || (5001 + seller)}}]
            else [] end as note_attributes,
        '' as tags,
        shop_time(occurred_at) as created_at,
        shop_time(occurred_at) as processed_at,
        shop_time(updated_at) as updated_at
    from shop_orders
    where is_new(shop_orders.updated_at)
    order by order_no
"""

_BROKEN_ORDERS = (
    '{"id": 5999999999991, "currency": "EUR", "created_at": "yesterday", "updated_at": "2026-01-05T11:00:00+01:00"}',
    '{"id": 5999999999992, "currency": "EUR", "created_at": "2026-01-05T11:00:00+01:00", "line_items": [{"id": 1',
)
"""A day in words; half a line."""

_LINES = """
    select
        cast(13000000000000 + 7 * line_no as varchar) as id,
        cast(order_id as varchar) as order_id,
        cast(8000000000000 + 3 * product_no as varchar) as product_id,
        cast(44000000000000 + 3 * product_no as varchar) as variant_id,
        upper(substr(category, 1, 3)) || '-' || lpad(cast(product_no as varchar), 4, '0') as sku,
        name as title,
        brand as vendor,
        quantity,
        money(goods_cents // quantity) as price,
        money(lines.discount_cents) as total_discount,
        cast('[]' as varchar) as properties,
        false as gift_card,
        shop_time(updated_at) as updated_at
    from (select order_no, order_id, updated_at from shop_orders where is_new(updated_at)) as orders
    join (select * from lines) as lines using (order_no)
    join products using (product_no)
    order by line_no
"""

_REFUNDS = """
    with given as (
        select
            refund_money.*,
            shop_orders.order_id,
            shop_orders.source_name
        from refund_money
        join shop_orders using (order_no)
        where is_new(refund_money.refunded_at)
    ),
    items as (
        select
            order_no,
            list({
                'id': 14000000000000 + 7 * line_no,
                'line_item_id': 13000000000000 + 7 * line_no,
                'quantity': quantity,
                'subtotal': units(line_net),
                -- Rounded so that the lines sum up to the whole.
                'total_tax': units(
                    goods_tax_cents * total // net_cents - goods_tax_cents * (total - line_net) // net_cents
                ),
                'restock_type': case refund_kind when 'return' then 'return' when 'cancellation' then 'cancel'
                    else 'no_restock' end
            } order by line_no) as refund_line_items
        from (
            select
                given.*,
                lines.line_no,
                lines.quantity,
                lines.goods_cents - lines.discount_cents as line_net,
                sum(lines.goods_cents - lines.discount_cents) over (partition by order_no order by line_no) as total
            from given
            join lines using (order_no)
            where lines.is_refunded
        )
        group by order_no
    )
    select
        9100000000000 + 11 * order_no as id,
        order_id,
        case refund_kind when 'return' then 'Did not fit' when 'lost' then 'Lost by the carrier'
            when 'goodwill' then 'Goodwill' when 'shipping' then 'Delivered late' else 'Cancelled' end as note,
        refund_kind = 'return' as restock,
        coalesce(refund_line_items, []) as refund_line_items,
        list_concat(
            case when shipping_cents > 0 then [{'kind': 'shipping_refund', 'amount': money(-shipping_cents),
                'tax_amount': money(-shipping_tax_cents)}] else [] end,
            case when refund_kind = 'goodwill' then [{'kind': 'refund_discrepancy', 'amount': money(-net_cents),
                'tax_amount': money(-goods_tax_cents)}] else [] end
        ) as order_adjustments,
        [{'kind': 'refund', 'status': 'success', 'amount': money(refund_cents), 'currency': 'EUR',
            'gateway': case source_name when 'pos' then 'cash' else 'stripe' end}] as transactions,
        shop_time(refunded_at) as created_at,
        shop_time(refunded_at) as processed_at
    from given
    left join items using (order_no)
    order by given.refunded_at, order_no
"""

_PRODUCTS = """
    with listed as (
        select
            products.*,
            (select founded from company) - interval 1 day as made_at
        from products
    )
    select
        8000000000000 + 3 * product_no as id,
        name as title,
        brand as vendor,
        category as product_type,
        'active' as status,
        case when category in ('Jeans', 'Dresses', 'Shirts', 'Shoes') then 'Clothing' else '' end as tags,
        [{
            'id': 44000000000000 + 3 * product_no,
            'sku': upper(substr(category, 1, 3)) || '-' || lpad(cast(product_no as varchar), 4, '0'),
            'price': money(price_cents),
            'inventory_item': {'cost': money(cost_cents)}
        }] as variants,
        shop_time(made_at) as created_at,
        shop_time(made_at) as updated_at
    from listed
    where is_new(made_at)
    order by product_no
"""
