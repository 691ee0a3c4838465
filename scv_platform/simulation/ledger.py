"""Money of the world in SQL: what each order, refund, invoice and deal amounts to, and by which record it was made.

All amounts are whole cents of the currency that the table names; goods are after discount, without tax and shipping.
"""

from scv_platform.simulation.behaviour.subscriptions import PLANS
from scv_platform.simulation.rates import Rates


def tables(rates: Rates) -> tuple[str, ...]:
    """Statements that make `record_at`, `order_money`, `refund_money`, `invoice_money` and `deal_money`."""
    prices = "[" + ", ".join(str(price) for _, price in PLANS) + "]"
    return (
        # The record that a person uses: the second one from the day it was made.
        """
        create table person_records as
        select
            kind,
            person_id,
            min(record_no) filter (copy = 0) as first_no,
            min(record_no) filter (copy = 1) as second_no,
            min(created_at) filter (copy = 1) as second_at
        from records
        group by all
        """,
        """
        create macro used(first_no, second_no, second_at, t) as
            case when t >= second_at then second_no else first_no end
        """,
        f"""
        create table order_money as
        with goods as (
            select
                order_no,
                cast(sum(goods_cents) as bigint) as goods_cents,
                cast(sum(discount_cents) as bigint) as discount_cents,
                cast(sum(goods_cents - discount_cents) as bigint) as net_cents,
                cast(coalesce(sum(goods_cents - discount_cents) filter (is_refunded), 0) as bigint) as back_cents,
                count(*) = count(*) filter (is_refunded) as is_all_back
            from lines
            group by order_no
        ),
        placed as (
            select
                orders.*,
                goods.* exclude (order_no),
                people.country,
                case
                    when source_name = 'pos' or net_cents >= {rates.free_shipping_cents} then 0
                    else {rates.shipping_cents}
                end as shipping_cents,
                tax_percent(people.country) as percent,
                currency_of(people.country) as paid_currency,
                rate_of(people.country, occurred_at) as rate,
                case when not as_guest then used(shop.first_no, shop.second_no, shop.second_at, occurred_at) end
                    as shop_no,
                used(payer.first_no, payer.second_no, payer.second_at, occurred_at) as payer_no
            from orders
            join goods using (order_no)
            join people using (person_id)
            left join person_records as shop on shop.person_id = orders.person_id and shop.kind = 'shop'
            left join person_records as payer on payer.person_id = orders.person_id and payer.kind = 'payer'
        )
        select
            *,
            ((net_cents + shipping_cents) * percent + 50) // 100 as tax_cents,
            net_cents + shipping_cents + ((net_cents + shipping_cents) * percent + 50) // 100 as total_cents,
            cast(round((net_cents + shipping_cents + ((net_cents + shipping_cents) * percent + 50) // 100) * rate)
                as bigint) as paid_cents
        from placed
        order by order_no
        """,
        # What is given back: goods, their tax, shipping with its tax. Whoever gets everything gets shipping too.
        f"""
        create table refund_money as
        with split as (
            select
                order_no,
                refund_kind,
                refunded_at,
                percent,
                rate,
                paid_currency,
                total_cents,
                paid_cents,
                case refund_kind
                    when 'goodwill' then net_cents * {rates.goodwill_percent} // 100
                    when 'shipping' then 0
                    else back_cents
                end as net_cents,
                case when refund_kind in ('shipping', 'lost', 'cancellation') then shipping_cents else 0 end
                    as shipping_cents,
                tax_cents,
                refund_kind in ('lost', 'cancellation') as is_full
            from order_money
            where refund_kind <> 'none' and not (refund_kind = 'shipping' and shipping_cents = 0)
                -- What was bought too late to come back before the world ends never does.
                and refunded_at is not null
        ),
        taxed as (
            select
                *,
                -- Of a full refund the tax on goods is what is left, so that the parts are the whole.
                (shipping_cents * percent + 50) // 100 as shipping_tax_cents,
                case when is_full then tax_cents - (shipping_cents * percent + 50) // 100
                    else (net_cents * percent + 50) // 100 end as goods_tax_cents
            from split
        )
        select
            * exclude (tax_cents),
            net_cents + goods_tax_cents + shipping_cents + shipping_tax_cents as refund_cents,
            case when is_full then paid_cents
                else least(cast(round((net_cents + goods_tax_cents + shipping_cents + shipping_tax_cents) * rate)
                    as bigint), paid_cents)
            end as refund_paid_cents
        from taxed
        order by order_no
        """,
        f"""
        create table invoice_money as
        select
            invoices.*,
            subscriptions.person_id,
            subscriptions.plan,
            people.country,
            currency_of(people.country) as currency,
            list_extract({prices}, 1 + plan) as net_cents,
            (list_extract({prices}, 1 + plan) * tax_percent(people.country) + 50) // 100 as tax_cents,
            used(payer.first_no, payer.second_no, payer.second_at, subscriptions.started_at) as payer_no
        from invoices
        join subscriptions using (subscription_no)
        join people using (person_id)
        join person_records as payer on payer.person_id = people.person_id and payer.kind = 'payer'
        order by invoice_no
        """,
        """
        create table deal_money as
        select
            deals.*,
            people.country,
            currency_of(people.country) as currency,
            (amount_cents * tax_percent(people.country) + 50) // 100 as tax_cents,
            employers.account_no,
            employers.company_name,
            contact.first_no as contact_no,
            used(payer.first_no, payer.second_no, payer.second_at, deals.closed_at) as payer_no
        from deals
        join people using (person_id)
        join employers on employers.company_no = people.company_no
        join person_records as contact on contact.person_id = people.person_id and contact.kind = 'contact'
        join person_records as payer on payer.person_id = people.person_id and payer.kind = 'payer'
        order by deal_no
        """,
        """
        create table seat_money as
        select seats.*, currency_of(people.country) as currency,
            used(payer.first_no, payer.second_no, payer.second_at, seats.paid_at) as payer_no
        from seats
        join people using (person_id)
        join person_records as payer on payer.person_id = people.person_id and payer.kind = 'payer'
        order by seat_no
        """,
        f"""
        create table guest_mails as
        select
            order_no,
            case
                when guest_damage < {rates.missing_email_share} then null
                when guest_damage < {rates.missing_email_share + rates.email_typo_share}
                    then with_typo(split_part(true_email, '@', 1), 0.5, 0) || '@' || split_part(true_email, '@', 2)
                when guest_damage > {1 - rates.other_case_share / 2} then upper(true_email)
                else true_email
            end as email,
            guest_damage > 0.3 as gave_phone,
            true_phone_no
        from (
            select
                order_no,
                guest_damage,
                case when mail.email_changed_at <= occurred_at then mail.second_email else mail.first_email end
                    as true_email,
                case when phone.phone_changed_at <= occurred_at then 2 * phone.person_id + 1 else phone.first_phone end
                    as true_phone_no
            from order_money
            join persons as person using (person_id)
            join persons as mail on mail.person_id = person.email_owner
            join persons as phone on phone.person_id = person.phone_owner
        )
        order by order_no
        """,
    )
