"""The payment provider: customers, charges, refunds, invoices and subscriptions, as its API objects."""

from scv_platform.simulation.behaviour.subscriptions import PLANS
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems.export import Export

_NAMES = "[" + ", ".join(f"'{name}'" for name, _ in PLANS) + "]"


def tables() -> tuple[str, ...]:
    """Every payment with what it pays, of all time."""
    return (
        """
        create table payments as
        with succeeded as (
            select 'order' as reason, order_no as no, person_id, payer_no, paid_at, failed_at, paid_cents as cents,
                paid_currency as currency, false as is_given_up, refund_paid_cents, refund_money.refunded_at
            from order_money
            left join (select order_no, refund_paid_cents, refunded_at from refund_money) as refund_money
                using (order_no)
            where source_name <> 'pos' and paid_at is not null
            union all
            select 'invoice', invoice_no, person_id, payer_no, paid_at, failed_at, net_cents + tax_cents, currency,
                given_up_at is not null, case when refunded_at is not null then net_cents + tax_cents end, refunded_at
            from invoice_money
            union all
            select 'deal', deal_no, person_id, payer_no, paid_at, null, amount_cents + tax_cents, currency, false,
                null, null
            from deal_money
            where invoiced_at is not null
            union all
            select 'seat', seat_no, person_id, payer_no, paid_at, null, amount_cents, currency, false, null, null
            from seat_money
        )
        select
            *,
            code('pi_', reason || ' intent', no) as payment_intent,
            code('ch_', reason, no) as charge_id,
            code('ch_', reason || ' failed', no) as failed_id,
            code('re_', reason, no) as refund_id
        from succeeded
        """,
    )


def exports(rates: Rates) -> tuple[Export, ...]:
    """The files of the payment provider."""
    del rates
    return (
        Export("stripe", "customers", _CUSTOMERS, broken=_BROKEN_CUSTOMERS),
        Export("stripe", "charges", _CHARGES, broken=_BROKEN_CHARGES),
        Export("stripe", "refunds", _REFUNDS),
        Export("stripe", "invoices", _INVOICES),
        Export("stripe", "subscriptions", _SUBSCRIPTIONS),
    )


_CUSTOMERS = """
    select
        source_id as id,
        'customer' as object,
        email,
        nullif(trim(concat_ws(' ', given_name, family_name)), '') as name,
        phone,
        {'line1': street, 'line2': cast(null as varchar), 'city': city, 'state': cast(null as varchar),
            'postal_code': postcode, 'country': country} as address,
        case when extra < 0.5 then {
            'name': concat_ws(' ', given_name, family_name), 'phone': phone,
            'address': {'line1': street, 'city': city, 'postal_code': postcode, 'country': country}
        } end as shipping,
        json_merge_patch(
            case when shop_ref is not null then json_object('shop_customer_id', shop_ref) else '{}' end,
            case when user_ref is not null then json_object('user_id', user_ref) else '{}' end
        ) as metadata,
        lower(currency_of(country)) as currency,
        unix(created_at) as created,
        true as livemode
    from faces
    where kind = 'payer' and is_new(updated_at)
    order by created_at, source_id
"""

_BROKEN_CUSTOMERS = ('{"object": "customer", "email": "nobody@example.com", "created": 1767600000}', '{"id": "cus_half')
"""No id; half a line."""

_CHARGES = """
    with attempts as (
        select payments.*, failed_id as id, failed_at as created_at, 'failed' as status,
            cast(null as timestamp) as back_at
        from payments
        where failed_at is not null
        union all
        select payments.*, charge_id, paid_at, 'succeeded', seen(refunded_at)
        from payments
        where paid_at is not null
    ),
    told as (
        select
            attempts.*,
            named.source_id as customer_id,
            payer.phone,
            persons.given_name,
            persons.family_name,
            persons.country,
            coalesce(payer.email, guest_mails.email) as receipt_email,
            payer.street,
            payer.city,
            payer.postcode
        from attempts
        join persons using (person_id)
        left join named on named.record_no = attempts.payer_no
        -- What the payment provider knew of the payer then.
        asof left join versions as payer on payer.record_no = attempts.payer_no
            and attempts.created_at >= payer.valid_from
        left join guest_mails on attempts.reason = 'order' and guest_mails.order_no = attempts.no
        where attempts.created_at < horizon() and is_new(coalesce(back_at, attempts.created_at))
    )
    select
        id,
        'charge' as object,
        cents as amount,
        case when status = 'succeeded' then cents else 0 end as amount_captured,
        case when back_at is not null then refund_paid_cents else 0 end as amount_refunded,
        lower(currency) as currency,
        customer_id as customer,
        payment_intent,
        case reason when 'order' then 'Order #' || (1001 + no) when 'seat' then 'Workshop seat' else 'Invoice' end
            as description,
        receipt_email,
        {
            'name': given_name || ' ' || family_name, 'email': receipt_email, 'phone': phone,
            'address': {'line1': street, 'city': city, 'postal_code': postcode, 'country': country}
        } as billing_details,
        case when reason = 'order' then json_object('order_id', cast(5400000000000 + 11 * no as varchar))
            else '{}'::json end as metadata,
        status,
        status = 'succeeded' as paid,
        status = 'succeeded' as captured,
        coalesce(back_at is not null and refund_paid_cents = cents, false) as refunded,
        case when status = 'failed' then 'card_declined' end as failure_code,
        {'type': 'card', 'card': {'brand': 'visa', 'last4': right(cast(7000 + person_id as varchar), 4)}}
            as payment_method_details,
        true as livemode,
        unix(created_at) as created
    from told
    order by told.created_at, id
"""

_BROKEN_CHARGES = (
    '{"id": "ch_broken1", "object": "charge", "amount": "ten", "currency": "eur", "status": "succeeded", '
    '"created": 1767600000}',
    '{"id": "ch_broken2", "object": "charge", "amount": 1000, "currency": "eur", "status": "succeeded"}',
)
"""An amount in words; no moment."""

_REFUNDS = """
    select
        refund_id as id,
        'refund' as object,
        refund_paid_cents as amount,
        lower(currency) as currency,
        charge_id as charge,
        payment_intent,
        'requested_by_customer' as reason,
        'succeeded' as status,
        case when payments.reason = 'order' then json_object('refund_id', cast(9100000000000 + 11 * no as varchar),
            'order_id', cast(5400000000000 + 11 * no as varchar)) else '{}'::json end as metadata,
        unix(refunded_at) as created
    from payments
    where is_new(payments.refunded_at) and refund_paid_cents is not null and paid_at is not null
    order by payments.refunded_at, refund_id
"""

_INVOICES = f"""
    with billed as (
        select 'invoice' as reason, invoice_no as no, payer_no, created_at, paid_at, given_up_at, net_cents, tax_cents,
            currency, case when month = 0 then 'subscription_create' else 'subscription_cycle' end as billing_reason,
            code('sub_', 'subscription', subscription_no) as subscription_id,
            list_extract({_NAMES}, 1 + plan) as item, null as opportunity_id
        from invoice_money
        union all
        select 'deal', deal_no, payer_no, invoiced_at, paid_at, null, amount_cents, tax_cents, currency, 'manual', null,
            'Delivery as agreed', crm_id('006', deal_no)
        from deal_money
        where invoiced_at is not null
    ),
    told as (
        select
            billed.*,
            named.source_id as customer_id,
            payer.email,
            greatest(billed.created_at, coalesce(seen(paid_at), billed.created_at),
                coalesce(seen(given_up_at), billed.created_at)) as changed_at,
            case when happened(paid_at) then 'paid' when happened(given_up_at) then 'uncollectible' else 'open' end
                as status
        from billed
        join named on named.record_no = billed.payer_no
        asof join versions as payer on payer.record_no = billed.payer_no and billed.created_at >= payer.valid_from
        where billed.created_at < horizon()
    )
    select
        code('in_', reason, no) as id,
        'invoice' as object,
        upper(substr(code('', 'invoice number', reason), 1, 8)) || '-' || lpad(cast(no + 1 as varchar), 6, '0')
            as number,
        customer_id as customer,
        email as customer_email,
        status,
        lower(currency) as currency,
        net_cents as subtotal,
        [] as total_discount_amounts,
        case when tax_cents > 0 then [{{'amount': tax_cents, 'tax_behavior': 'exclusive'}}] else [] end as total_taxes,
        net_cents + tax_cents as total,
        net_cents + tax_cents as amount_due,
        case when status = 'paid' then net_cents + tax_cents else 0 end as amount_paid,
        billing_reason,
        case when subscription_id is not null then {{
            'type': 'subscription_details', 'subscription_details': {{'subscription': subscription_id}}
        }} end as parent,
        {{'object': 'list', 'data': [{{
            'object': 'line_item', 'amount': net_cents, 'currency': lower(currency), 'description': item, 'quantity': 1
        }}]}} as lines,
        {{'object': 'list', 'data': case when status = 'paid' then [{{
            'object': 'invoice_payment', 'amount_paid': net_cents + tax_cents, 'status': 'paid',
            'payment': {{'type': 'payment_intent', 'payment_intent': code('pi_', reason || ' intent', no)}}
        }}] else [] end}} as payments,
        case when opportunity_id is not null then json_object('opportunity_id', opportunity_id) else '{{}}'::json end
            as metadata,
        {{
            'finalized_at': unix(created_at), 'paid_at': case when status = 'paid' then unix(paid_at) end,
            'marked_uncollectible_at': case when status = 'uncollectible' then unix(given_up_at) end,
            'voided_at': cast(null as bigint)
        }} as status_transitions,
        true as livemode,
        unix(created_at) as created
    from told
    where is_new(changed_at)
    order by told.created_at, id
"""

_SUBSCRIPTIONS = f"""
    with told as (
        select
            subscriptions.*,
            named.source_id as customer_id,
            people.country,
            greatest(started_at, coalesce(seen(subscriptions.cancelled_at), started_at),
                coalesce(seen(ended_at), started_at),
                case when ends_unpaid then coalesce(seen(ended_at - interval 7 day + interval 1 minute), started_at)
                    else started_at end) as changed_at
        from subscriptions
        join person_records as person on person.person_id = subscriptions.person_id and person.kind = 'payer'
        join people on people.person_id = subscriptions.person_id
        join named on named.record_no = used(first_no, second_no, second_at, started_at)
        where started_at < horizon()
    )
    select
        code('sub_', 'subscription', subscription_no) as id,
        'subscription' as object,
        customer_id as customer,
        case
            when happened(ended_at) then 'canceled'
            when ends_unpaid and happened(ended_at - interval 7 day + interval 1 minute) then 'past_due'
            else 'active'
        end as status,
        lower(currency_of(country)) as currency,
        {{'object': 'list', 'data': [{{
            'object': 'subscription_item',
            'quantity': 1,
            'price': {{
                'object': 'price', 'id': 'price_' || plan, 'nickname': list_extract({_NAMES}, 1 + plan),
                'currency': lower(currency_of(country)),
                'unit_amount': list_extract([{", ".join(str(price) for _, price in PLANS)}], 1 + plan),
                'recurring': {{'interval': 'month', 'interval_count': 1}}
            }}
        }}]}} as items,
        unix(started_at) as start_date,
        cast(null as bigint) as trial_start,
        cast(null as bigint) as trial_end,
        coalesce(not ends_unpaid and happened(cancelled_at) and not happened(ended_at), false) as cancel_at_period_end,
        case when happened(cancelled_at) then unix(cancelled_at) end as canceled_at,
        case when happened(ended_at) then unix(ended_at) end as ended_at,
        case when happened(cancelled_at) then {{
            'reason': case when ends_unpaid then 'payment_failed' else 'cancellation_requested' end,
            'feedback': case when not ends_unpaid then feedback end, 'comment': cast(null as varchar)
        }} end as cancellation_details,
        '{{}}'::json as metadata,
        true as livemode,
        unix(started_at) as created
    from told
    where is_new(changed_at)
    order by told.started_at, subscription_no
"""
