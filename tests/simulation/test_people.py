"""What people and their records are like: the rates hold, and who is who is known."""

import hashlib

import pytest

from scv_platform.simulation import Rates

RATES = Rates()


def test_every_record_of_the_files_is_known_to_the_truth_and_no_other(company):
    written = company.rows("""
        select 'salesforce:' || "Id" from salesforce_contact
        union select 'salesforce:' || "Id" from salesforce_lead
        union select 'stripe:' || id from stripe_customers
        union select 'shopify:' || id from shopify_customers
        union select 'zendesk:' || id from zendesk_users where role = 'end-user'
        union select 'app_db:' || user_id from app_db_users
        union select 'web_events:' || "userId" from (
            select "userId" from web_events_identify union select "userId" from web_events_track
            union select "userId" from web_events_page union select "userId" from web_events_screen
        ) where "userId" is not null
        union select 'web_events:device:' || "anonymousId" from (
            select "anonymousId" from web_events_identify union select "anonymousId" from web_events_track
            union select "anonymousId" from web_events_page union select "anonymousId" from web_events_screen
        ) where "anonymousId" is not null
    """)
    guests = {
        "shopify:guest:"
        + hashlib.sha256((email.strip().lower() if email else f"order:{order}").encode()).hexdigest()[:16]
        for order, email in company.rows("select id, email from shopify_orders where customer is null")
    }
    known = {record for (record,) in company.rows("select record_id from records")}
    assert {record for (record,) in written} | guests == known
    assert company.value("select count(distinct record_id) = count(*) from records")


@pytest.mark.parametrize(
    ("share", "rate"),
    [
        ("select avg((email is null)::int) from shopify_customers", RATES.missing_email_share),
        ("select avg((phone is null)::int) from shopify_customers", RATES.missing_phone_share),
        ("select avg((email is null)::int) from app_db_users", RATES.missing_email_share),
        ("select avg((customer is null)::int) from shopify_orders", 0.15),
        (
            """
            select count(*) filter (n > 1) / count(*) from (
                select person_id, count(*) as n from records
                where system in ('shopify', 'stripe', 'app_db') and record_id not like '%guest%'
                group by person_id, system
            )
            """,
            RATES.duplicate_share,
        ),
        ("select avg(test::int) from shopify_orders", RATES.test_share),
        ("select avg((cancelled_at is not null)::int) from shopify_orders", RATES.cancelled_share),
        ("select avg((mood = 'angry')::int) from tickets", RATES.angry_share),
        ('select avg(("ConvertedContactId" is not null)::int) from salesforce_lead', 0.19),
    ],
)
def test_rates_are_those_that_were_asked_for(company, share, rate):
    assert company.value(share) == pytest.approx(rate, rel=0.35, abs=0.005)


def test_names_are_misspelt_as_often_as_asked_for(company):
    # A name that only one of a person's records bears is a variant, a married name or another case.
    odd = company.value("""
        with names as (
            select person_id, lower(first_name) as name from shopify_customers
            join records on record_id = 'shopify:' || id
            union all
            select person_id, lower(first_name) from app_db_users join records on record_id = 'app_db:' || user_id
        ),
        pairs as (select person_id from names group by person_id having count(*) = 2)
        select avg((n > 1)::int) from (
            select person_id, count(distinct name) as n from names join pairs using (person_id) group by person_id
        )
    """)
    # Two of three variants are in the given name, and either record may have one.
    assert odd == pytest.approx(2 * RATES.name_variant_share * 2 / 3, rel=0.5)


def test_phones_are_written_in_many_ways(company):
    shapes = company.value("""
        select count(distinct regexp_replace(regexp_replace(phone, '[0-9]', '9', 'g'), '9+', '9', 'g'))
        from shopify_customers
    """)
    assert shapes > 12
    lost = company.value("""
        select count(*) from salesforce_contact
        where regexp_matches(coalesce("Phone"::varchar, "MobilePhone"::varchar), '^1[67][0-9]{8}$')
    """)
    assert lost > 0


def test_traps_are_pairs_of_records_of_different_people(company):
    assert (
        company.value("""
        select count(*) from traps
        join records as a on a.record_id = record_a
        join records as b on b.record_id = record_b
        where a.person_id = b.person_id or a.person_id is null or b.person_id is null
    """)
        == 0
    )
    kinds = {trap for (trap,) in company.rows("select distinct trap from traps")}
    assert {"family e-mail", "family phone", "recycled phone", "shared device", "namesake"} <= kinds


def test_a_device_of_two_users_and_one_of_a_silent_visitor_are_nobodys(company):
    shared = company.rows("""
        select 'web_events:device:' || "anonymousId" from web_events_identify
        group by 1 having count(distinct "userId") > 1
    """)
    assert shared
    listed = ", ".join(f"'{record}'" for (record,) in shared)
    people = company.value(f"""
        select count(*) from web_events_identify
        join records as users on users.record_id = 'web_events:' || "userId"
        join records as devices on devices.record_id = 'web_events:device:' || "anonymousId"
        where devices.record_id in ({listed}) and devices.person_id is not null
            and devices.person_id <> users.person_id
    """)
    assert people == 0
    assert (
        company.value("""
        select count(*) from records where record_id like '%device%' and person_id is not null
            and record_id not in (select 'web_events:device:' || "anonymousId" from web_events_identify)
    """)
        == 0
    )
