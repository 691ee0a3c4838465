"""What the pipeline never reads: who the records are, what was truly sold, who buys next, and where the traps lie."""

from scv_platform.simulation.company import CHURN_DAYS

RECORDS = """
    with guests as (
        select
            case when email is null then 'order:' || order_id else lower(trim(email)) end as key,
            case when count(distinct person_id) = 1 then min(person_id) end as person_id
        from (select order_id, person_id, guest_email as email from shop_orders where customer_id is null)
        group by 1
    ),
    device_users as (
        select device_no, person_id from arrived_sign_ins where signed_in_at < horizon() - interval 1 second
        union
        select device_no, person_id from sign_ups where left_at < horizon() - interval 1 second
    ),
    device_owners as (
        select device_no, case when count(distinct person_id) = 1 then min(person_id) end as person_id
        from device_users
        group by device_no
    ),
    seen_devices as (
        select device_no from calls where received_at < horizon()
        union
        select device_no from device_users
    ),
    web_user_ids as (
        select person_id from arrived_sign_ins
        union
        select person_id from mails where occurred_at < horizon() - interval 1 second
        union
        select calls."user" from calls where calls."user" >= 0 and received_at < horizon()
    )
    select
        case kind when 'shop' then 'shopify:' when 'user' then 'app_db:' when 'payer' then 'stripe:'
            when 'asker' then 'zendesk:' else 'salesforce:' end || source_id as record_id,
        person_id,
        case kind when 'shop' then 'shopify' when 'user' then 'app_db' when 'payer' then 'stripe'
            when 'asker' then 'zendesk' else 'salesforce' end as system
    from faces
    union all
    select 'shopify:guest:' || substr(sha256(key), 1, 16), person_id, 'shopify' from guests
    union all
    select 'web_events:' || source_id, web_users.person_id, 'web_events' from web_users
    where person_id in (select person_id from web_user_ids)
    union all
    select 'web_events:device:' || device_id(device_no), device_owners.person_id, 'web_events'
    from seen_devices
    left join device_owners using (device_no)
    order by record_id
"""
"""One row per person record. A device or guest whom several people share, or who never said a name, is nobody's."""

TRANSACTIONS = """
    select * from (
        select 'sale' as kind, 'shopify' as system, cast(order_id as varchar) as source_id, person_id,
            'EUR' as currency, units(net_cents) as amount_net, occurred_at,
            not is_test and not coalesce(happened(cancelled_at), false) as is_counted
        from shop_orders
        union all
        select 'refund', 'shopify', cast(9100000000000 + 11 * order_no as varchar), shop_orders.person_id, 'EUR',
            -units(refund_money.net_cents), refund_money.refunded_at, true
        from refund_money
        join shop_orders using (order_no)
        where refund_money.refunded_at < horizon() and refund_money.refund_kind <> 'cancellation'
        union all
        select 'sale', 'stripe', code('in_', 'invoice', invoice_no), person_id, currency, units(net_cents),
            created_at, paid_at is not null and paid_at < horizon()
        from invoice_money
        where created_at < horizon()
        union all
        select 'refund', 'stripe', code('re_', 'invoice', invoice_no), person_id, currency, -units(net_cents),
            refunded_at, true
        from invoice_money
        where refunded_at < horizon()
        union all
        select 'sale', 'salesforce', crm_id('006', deal_no), person_id, currency, units(amount_cents),
            cast(cast(closed_at as date) as timestamp), true
        from deal_money
        where is_won and closed_at < horizon()
        union all
        select 'sale', 'stripe', code('ch_', 'seat', seat_no), person_id, currency, units(amount_cents), paid_at, true
        from seat_money
        where paid_at < horizon()
    )
    order by occurred_at, source_id
"""
"""One row per sale and refund; amounts are goods after discount without tax and shipping, refunds below zero."""

TICKETS = """
    select 'zendesk:' || ticket_id as ticket_id, person_id, mood, language, asked_at as created_at
    from asked_tickets
    order by ticket_no
"""
"""One row per ticket with the mood it was written in."""

CHURN = f"""
    with bought as (
        select person_id, occurred_at as bought_at, true as is_order, net_cents from order_money
        where not is_test and cancelled_at is null
        union all
        select person_id, paid_at, false, net_cents from invoice_money where paid_at is not null
        union all
        select person_id, closed_at, false, amount_cents from deal_money where is_won
        union all
        select person_id, paid_at, false, amount_cents from seat_money
    )
    select
        person_id,
        bool_or(bought_at >= horizon()) as bought_next_90d,
        bool_or(bought_at >= horizon() and is_order) as ordered_next_90d
    from bought
    where bought_at < horizon() + interval {CHURN_DAYS} day
    group by person_id
    having min(bought_at) < horizon()
    order by person_id
"""
"""One row per person who bought by the day: whether she buys again within the days after it."""

TRAPS = """
    with pairs as (
        select
            case
                when a.true_email = b.true_email and persons_b.is_namesake and persons_b.head = a.person_id
                    then 'namesake'
                when a.true_email = b.true_email and persons_b.is_twin and persons_b.person_id = a.person_id + 1
                    then 'twins'
                when a.true_email = b.true_email and a.true_email like 'info@%' then 'role mailbox'
                when a.true_email = b.true_email then 'family e-mail'
                when persons_a.head = persons_b.head then 'family phone'
                else 'recycled phone'
            end as trap,
            a.person_id as person_a,
            b.person_id as person_b,
            a.record_no as no_a,
            b.record_no as no_b
        from faces as a
        join faces as b on a.person_id < b.person_id
            and ((a.true_email = b.true_email and a.email_damage = 'none' and b.email_damage = 'none'))
        join persons as persons_a on persons_a.person_id = a.person_id
        join persons as persons_b on persons_b.person_id = b.person_id
        union all
        select
            case
                when persons_a.head = persons_b.head then 'family phone'
                else 'recycled phone'
            end,
            a.person_id,
            b.person_id,
            a.record_no,
            b.record_no
        from faces as a
        join faces as b on a.person_id < b.person_id
            and a.true_phone = b.true_phone and a.phone_damage = 'none' and b.phone_damage = 'none'
        join persons as persons_a on persons_a.person_id = a.person_id
        join persons as persons_b on persons_b.person_id = b.person_id
    ),
    named as (
        select
            record_no,
            case kind when 'shop' then 'shopify:' when 'user' then 'app_db:' when 'payer' then 'stripe:'
                when 'asker' then 'zendesk:' else 'salesforce:' end || source_id as record_id
        from faces
    )
    select distinct trap, least(a.record_id, b.record_id) as record_a, greatest(a.record_id, b.record_id) as record_b
    from pairs
    join named as a on a.record_no = no_a
    join named as b on b.record_no = no_b
    union
    select
        'shared device',
        'web_events:' || least(a.source_id, b.source_id),
        'web_events:' || greatest(a.source_id, b.source_id)
    from arrived_sign_ins as a
    join arrived_sign_ins as b on a.device_no = b.device_no and a.person_id < b.person_id
    order by trap, record_a, record_b
"""
"""One row per (trap, pair of records of different people) that show the same e-mail or phone, or used one device."""

TABLES = {
    "records": RECORDS,
    "transactions": TRANSACTIONS,
    "tickets": TICKETS,
    "churn": CHURN,
    "traps": TRAPS,
}
