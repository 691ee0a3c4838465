"""What people do: the money of the files is that of the truth, and the audiences that people ask for are there."""

from decimal import Decimal

from tests.simulation.conftest import UNTIL


def test_the_truth_of_orders_is_what_the_shop_wrote(company):
    assert company.rows("""
        select sum(amount_net), count(*), count(*) filter (is_counted) from transactions
        where kind = 'sale' and system = 'shopify'
    """) == company.rows("""
        select sum(subtotal_price::decimal(18, 2)), count(*), count(*) filter (not test and cancelled_at is null)
        from shopify_orders
    """)


def test_lines_sum_up_to_their_orders_and_orders_to_what_was_paid(company):
    assert (
        company.rows("""
        select id from shopify_orders
        join (
            select order_id, sum(price::decimal(18, 2) * quantity - total_discount::decimal(18, 2)) as net
            from shopify_order_lines group by order_id
        ) as lines on order_id = id::varchar
        where net <> subtotal_price::decimal(18, 2)
            or total_price::decimal(18, 2)
                <> subtotal_price::decimal(18, 2) + total_tax::decimal(18, 2)
                + total_shipping_price_set.shop_money.amount::decimal(18, 2)
            or total_line_items_price::decimal(18, 2) - total_discounts::decimal(18, 2)
                <> subtotal_price::decimal(18, 2)
    """)
        == []
    )
    assert (
        company.rows("""
        select charges.id from stripe_charges as charges
        join shopify_orders as orders on orders.id::varchar = charges.metadata.order_id::varchar
        where upper(charges.currency) <> presentment_currency
            or (presentment_currency = 'EUR' and charges.amount <> total_price::decimal(18, 2) * 100)
    """)
        == []
    )


def test_every_paid_order_beyond_the_counter_has_one_payment(company):
    assert (
        company.rows("""
        select orders.id, count(charges.id) from shopify_orders as orders
        left join stripe_charges as charges
            on orders.id::varchar = charges.metadata.order_id::varchar and charges.status = 'succeeded'
        where source_name <> 'pos' and not test and financial_status in ('paid', 'refunded', 'partially_refunded')
        group by 1 having count(charges.id) <> 1
    """)
        == []
    )
    assert company.value("select count(*) from stripe_charges where status = 'failed'") > 0


def test_refunds_give_back_goods_with_their_tax_and_never_more_than_was_paid(company):
    given = """
        select
            refunds.id,
            order_id,
            coalesce(list_sum(list_transform(refund_line_items, lambda item: item.subtotal::decimal(18, 2))), 0)
                - coalesce(list_sum(list_transform(
                    list_filter(order_adjustments, lambda item: item.kind = 'refund_discrepancy'),
                    lambda item: item.amount::decimal(18, 2))), 0) as net,
            transactions[1].amount::decimal(18, 2) as paid
        from shopify_refunds as refunds
    """
    assert (
        company.rows(f"""
        select given.id from ({given}) as given join shopify_orders as orders on orders.id = order_id
        where paid > total_price::decimal(18, 2)
    """)
        == []
    )
    assert company.value(f"""
        select sum(net) from ({given}) as given join shopify_orders as orders on orders.id = order_id
        where cancelled_at is null
    """) == -company.value("select sum(amount_net) from transactions where kind = 'refund' and system = 'shopify'")
    assert (
        company.rows("""
        select id from stripe_charges where amount_refunded > amount
        union all
        select charge from stripe_refunds
        join stripe_charges as charges on charges.id = charge
        group by charge having sum(stripe_refunds.amount) <> max(amount_refunded)
    """)
        == []
    )


def test_invoices_deals_and_bare_payments_are_each_told_once(company):
    sales = dict(company.rows("select system, count(*) from transactions where kind = 'sale' group by system"))
    won = company.value('select count(*) from salesforce_opportunity where "IsWon"')
    own = company.value("select count(*) from stripe_invoices where billing_reason <> 'manual'")
    bare = company.value("""
        select count(*) from stripe_charges
        where description = 'Workshop seat' and metadata.order_id is null
    """)
    assert sales["salesforce"] == won > 0
    assert sales["stripe"] == own + bare
    assert (
        company.value("""
        select count(*) from stripe_invoices where billing_reason = 'manual' and metadata.opportunity_id is null
    """)
        == 0
    )


def test_churn_looks_ninety_days_ahead(company):
    shares = company.rows("select avg(bought_next_90d::int), count(*) from churn")
    ((share, buyers),) = shares
    assert 0.05 < share < 0.6
    assert buyers > 500


def test_the_audiences_that_people_ask_for_are_not_empty(company):
    bought = """
        select person_id, product_type as category, orders.created_at::timestamptz as bought_at, orders.id as order_id,
            price::decimal(18, 2) * quantity as spent
        from shopify_order_lines as lines
        join shopify_orders as orders on orders.id::varchar = order_id
        join shopify_products as products on products.id::varchar = product_id
        join transactions on transactions.source_id = orders.id::varchar and transactions.is_counted
    """
    totals = f"select person_id, sum(spent) as spent, max(bought_at) as last_at from ({bought}) group by 1"
    assert company.value(f"select count(*) from ({totals}) where spent >= 1000") > 10
    assert (
        company.value(f"""
        select count(*) from ({totals}) where date_diff('day', last_at::date, date '{UNTIL}') between 90 and 120
    """)
        > 5
    )
    assert (
        company.value(f"""
        select count(*) from (
            select person_id, arg_max(category, pieces) as favourite, sum(spent) as spent from (
                select person_id, category, count(*) as pieces, sum(spent) as spent from ({bought}) group by 1, 2
            ) group by 1
        ) where favourite = 'Jeans' and spent > 500
    """)
        > 0
    )
    assert (
        company.value(f"""
        select count(*) from ({bought}) where category = 'Baby' and bought_at >= date '{UNTIL}' - interval 90 day
    """)
        > 10
    )


def test_sellers_buy_and_marketplace_orders_name_sellers_that_exist(company):
    assert (
        company.value("""
        select count(*) from shopify_orders where source_name = 'marketplace' and len(note_attributes) <> 1
    """)
        == 0
    )
    named = company.value("""
        select count(distinct note_attributes[1].value::varchar) from shopify_orders where source_name = 'marketplace'
    """)
    assert named > 0
    assert (
        company.value("""
        select count(*) from app_db_sellers
        join records on record_id = 'app_db:' || user_id
        join transactions using (person_id)
    """)
        > 0
    )


def test_consents_are_given_and_withdrawn(company):
    states = dict(company.rows("select email_marketing_consent.state, count(*) from shopify_customers group by 1"))
    assert set(states) == {"subscribed", "unsubscribed", "not_subscribed"}
    assert company.value("select count(*) from web_events_track where event = 'Unsubscribed'") > 0


def test_an_order_event_tells_the_order_of_the_shop(company):
    assert company.value("select count(*) from web_events_track where event = 'Order Completed'") > 50
    assert (
        company.rows("""
        select "messageId" from web_events_track
        left join shopify_orders as orders on orders.id::varchar = properties.order_id::varchar
        where event = 'Order Completed'
            and (orders.id is null or properties.value::decimal(18, 2) <> total_price::decimal(18, 2))
    """)
        == []
    )
    assert company.value("select sum(amount_net) from transactions where is_counted and currency = 'EUR'") > Decimal(0)
