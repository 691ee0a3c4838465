"""How people and moments are written: SQL that turns positions and damages into text, shared by all systems.

`versions` says how a record looked at any time, `faces` how it looks at the end of the day: what the person was
called and reached by when the record was made, or since, if the record follows changes, and damaged.
"""

from datetime import date, timedelta

from scv_platform.simulation import pools
from scv_platform.simulation.company import Company
from scv_platform.simulation.rates import Rates

FIRST_TIME = date(1970, 1, 1)


def clock(since: date | None, until: date) -> tuple[str, ...]:
    """Macros that say what a delivery shows: everything up to `until`, new since the end of `since`."""
    after = (since or FIRST_TIME) + timedelta(days=1)
    return (
        f"create or replace macro horizon() as timestamp '{until + timedelta(days=1)} 00:00:00'",
        f"create or replace macro previous() as timestamp '{after} 00:00:00'",
        "create or replace macro happened(t) as t is not null and t < horizon()",
        "create or replace macro is_new(t) as t >= previous() and t < horizon()",
        "create or replace macro seen(t) as case when t < horizon() then t end",
    )


def formats(company: Company) -> tuple[str, ...]:
    """Macros that write moments, money and ids as vendors do."""
    return (
        "create macro iso_time(t) as strftime(t, '%Y-%m-%dT%H:%M:%SZ')",
        "create macro millis_time(t) as strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ')",
        "create macro crm_time(t) as strftime(t, '%Y-%m-%dT%H:%M:%S.000+0000')",
        "create macro shop_time(t) as strftime(t + interval 1 hour, '%Y-%m-%dT%H:%M:%S+01:00')",
        "create macro unix(t) as cast(epoch(t) as bigint)",
        "create macro units(cents) as cast(cents * 0.01 as decimal(18, 2))",
        "create macro money(cents) as cast(units(cents) as varchar)",
        f"create macro digest(kind, no) as md5(kind || ':{company.seed}:' || no)",
        "create macro code(prefix, kind, no) as prefix || substr(digest(kind, no), 1, 24)",
        "create macro crm_id(prefix, no) as prefix || '5g00000' || to_base(100000 + no, 36, 5) || 'AAA'",
        """
        create macro device_id(no) as
            substr(digest('device', no), 1, 8) || '-' || substr(digest('device', no), 9, 4) || '-4'
            || substr(digest('device', no), 14, 3) || '-a' || substr(digest('device', no), 18, 3) || '-'
            || substr(digest('device', no), 21, 12)
        """,
        "create macro user_id(number) as 'u' || (100001 + number)",
        # The currency that a customer of a country sees and pays in.
        "create macro currency_of(country) as case country when 'GB' then 'GBP' when 'US' then 'USD' else 'EUR' end",
        # One unit of the base currency, in that currency; it swings with the day.
        """
        create macro rate_of(country, t) as cast(case country
            when 'GB' then round(0.86 + 0.02 * sin(epoch(t) // 86400 / 17.0), 4)
            when 'US' then round(1.10 + 0.04 * sin(epoch(t) // 86400 / 29.0), 4)
            else 1 end as decimal(10, 4))
        """,
        "create macro tax_percent(country) as case country when 'DE' then 19 when 'US' then 0 else 20 end",
        """
        create macro with_typo(word, place, kind) as case
            when length(word) < 4 then word || substr(word, length(word), 1)
            when kind = 0 then substr(word, 1, typo_at(word, place) - 1) || substr(word, typo_at(word, place) + 1)
            when kind = 1 then substr(word, 1, typo_at(word, place) - 1) || substr(word, typo_at(word, place) + 1, 1)
                || substr(word, typo_at(word, place), 1) || substr(word, typo_at(word, place) + 2)
            else substr(word, 1, typo_at(word, place)) || substr(word, typo_at(word, place)) end
        """,
    )


TYPO_AT = "create macro typo_at(word, place) as 2 + cast(floor(place * (length(word) - 2)) as integer)"

_PHONE_DIGITS = """
    create macro phone_digits(country, no) as case country
        when 'DE' then '1' || list_extract(['60', '70', '71', '72', '75', '76', '79'], 1 + (no // 2) % 7)
            || lpad(cast((no * 7654321 + 1234567) % 10000000 as varchar), 7, '0')
        when 'FR' then '6' || list_extract(['0', '1', '2', '4', '5', '6', '7', '8'], 1 + (no // 2) % 8)
            || lpad(cast((no * 7654321 + 1234567) % 10000000 as varchar), 7, '0')
        when 'GB' then '77' || lpad(cast((no * 76543211 + 12345678) % 100000000 as varchar), 8, '0')
        else list_extract(['212', '415', '312', '617', '206', '303'], 1 + (no // 2) % 6) || '2'
            || lpad(cast((no * 654321 + 123456) % 1000000 as varchar), 6, '0') end
"""
"""Digits without trunk prefix, of numbers that exist; different numbers give different digits."""

_PHONE_WRITTEN = """
    create macro written_phone(country, n, style) as case country
        when 'DE' then case style
            when 0 then '+49 ' || substr(n, 1, 3) || ' ' || substr(n, 4)
            when 1 then '+49 (0)' || substr(n, 1, 3) || ' ' || substr(n, 4)
            when 2 then '0049' || n
            when 3 then '0' || substr(n, 1, 3) || '/' || substr(n, 4)
            when 4 then '0' || substr(n, 1, 3) || ' ' || substr(n, 4)
            else '+49' || n end
        when 'FR' then case style
            when 0 then '+33 ' || in_pairs(n, ' ')
            when 1 then '+33 (0)' || in_pairs(n, ' ')
            when 2 then '0033' || n
            when 3 then '0' || in_pairs(n, '.')
            when 4 then '0' || in_pairs(n, ' ')
            else '+33' || n end
        when 'GB' then case style
            when 0 then '+44 ' || substr(n, 1, 4) || ' ' || substr(n, 5)
            when 1 then '+44 (0)' || substr(n, 1, 4) || ' ' || substr(n, 5)
            when 2 then '0044' || n
            when 3 then '0' || substr(n, 1, 4) || '-' || substr(n, 5)
            when 4 then '0' || substr(n, 1, 4) || ' ' || substr(n, 5)
            else '+44' || n end
        else case style
            when 0 then '+1 ' || substr(n, 1, 3) || ' ' || substr(n, 4, 3) || ' ' || substr(n, 7)
            when 1 then '(' || substr(n, 1, 3) || ') ' || substr(n, 4, 3) || '-' || substr(n, 7)
            when 2 then '001' || n
            when 3 then substr(n, 1, 3) || '-' || substr(n, 4, 3) || '-' || substr(n, 7)
            when 4 then substr(n, 1, 3) || '.' || substr(n, 4, 3) || '.' || substr(n, 7)
            else '+1' || n end
    end
"""
_IN_PAIRS = """
    create macro in_pairs(n, mark) as substr(n, 1, 1) || mark || substr(n, 2, 2) || mark || substr(n, 4, 2) || mark
        || substr(n, 6, 2) || mark || substr(n, 8, 2)
"""

_DOMAINS = "[" + ", ".join(f"'{domain}'" for domain in pools.EMAIL_DOMAINS) + "]"


def people() -> tuple[str, ...]:
    """Tables that spell people and companies out: `persons`, `employers`, `addresses`."""
    words = "[" + ", ".join(f"'{word}'" for word in pools.FIRST_WORDS) + "]"
    trades = "[" + ", ".join(f"'{word}'" for word in pools.SECOND_WORDS) + "]"
    return (
        TYPO_AT,
        _PHONE_DIGITS,
        _IN_PAIRS,
        _PHONE_WRITTEN,
        f"""
        create table employers as
        select
            *,
            list_extract({words}, 1 + first_word) || ' ' || list_extract({trades}, 1 + second_word)
                || ' ' || (company_no + 1) as company_name,
            lower(list_extract({words}, 1 + first_word) || list_extract({trades}, 1 + second_word))
                || (company_no + 1) || '.example' as domain
        from companies
        """,
        f"""
        create table persons as
        with spelled as (
            select
                people.*,
                given.name as given_name,
                given.nickname,
                given.plain as given_plain,
                family.name as family_name,
                family.plain as family_plain,
                married.name as married_name
            from people
            join names as given on given.country = people.country and given.kind = people.gender
                and given.position = people.given_no
            join names as family on family.country = people.country and family.kind = 'l'
                and family.position = people.family_no
            join names as married on married.country = people.country and married.kind = 'l'
                and married.position = people.married_no
        )
        select
            *,
            case email_style
                when 0 then given_plain || '.' || family_plain
                when 1 then substr(given_plain, 1, 1) || '.' || family_plain
                when 2 then given_plain || family_plain
                else family_plain || '.' || given_plain
            end || (person_id + 1) || '@' || list_extract({_DOMAINS}, 1 + email_domain) as first_email,
            given_plain || '_' || (person_id + 1) || '@'
                || list_extract({_DOMAINS}, 1 + (email_domain + 1) % {len(pools.EMAIL_DOMAINS)}) as second_email
        from spelled
        order by person_id
        """,
        """
        create table addresses as
        select
            people.person_id,
            is_moved,
            case when people.country = 'DE' then street || ' ' || number else number || ' ' || street end as street,
            city,
            postcode
        from (
            select person_id, country, place_no, house_no as number, false as is_moved from people
            union all
            select person_id, country, moved_place_no, 1 + (house_no * 7) % 150, true from people
            where moved_at is not null
        ) as people
        join places on places.country = people.country and places.position = people.place_no
        order by person_id, is_moved
        """,
    )


def versions(rates: Rates) -> tuple[str, ...]:
    """Tables that do not depend on the day: `named` (one row per record) and `versions` (one per state of it).

    A record shows what was true when it was made; one that follows its person shows each change from then on.
    References appear as soon as both records are there.
    """
    return (
        f"""
        create table named as
        with ids as (
            select
                *,
                case kind
                    when 'shop' then cast(7100000000000 + 37 * number as varchar)
                    when 'user' then user_id(number)
                    when 'payer' then 'cus_' || substr(digest('customer', record_no), 1, 14)
                    when 'asker' then cast(380000000000 + 13 * number as varchar)
                    when 'contact' then crm_id('003', number)
                    else crm_id('00Q', number)
                end as source_id
            from records
        ),
        firsts as (select kind, person_id, source_id, created_at from ids where copy = 0)
        select
            ids.*,
            shop.source_id as shop_id,
            greatest(ids.created_at, shop.created_at) as shop_linked_at,
            users.source_id as user_id,
            greatest(ids.created_at, users.created_at) as user_linked_at
        from ids
        left join firsts as shop on shop.kind = 'shop' and shop.person_id = ids.person_id
            and ids.names_shop < case ids.kind when 'payer' then {rates.stripe_shop_share}
                when 'user' then {rates.app_shop_share} when 'contact' then {rates.crm_shop_share} else 0 end
        left join firsts as users on users.kind = 'user' and users.person_id = ids.person_id
            and ids.names_user < case ids.kind when 'payer' then {rates.stripe_user_share}
                when 'asker' then {rates.zendesk_user_share} else 0 end
        order by record_no
        """,
        """
        create table versions as
        with owned as (
            select
                named.*,
                persons.* exclude (person_id),
                mail.first_email as mail_first,
                mail.second_email as mail_second,
                mail.email_changed_at as mail_changed_at,
                case when persons.uses_role_mailbox and kind not in ('shop', 'user') then 'info@' || employers.domain
                    end as role_mailbox,
                phone.country as phone_country,
                phone.first_phone as number_first,
                phone.phone_changed_at as number_changed_at,
                employers.account_no,
                employers.company_name
            from named
            join persons using (person_id)
            join persons as mail on mail.person_id = persons.email_owner
            join persons as phone on phone.person_id = persons.phone_owner
            left join employers on employers.company_no = persons.company_no
        ),

        moments as (
            select record_no, created_at as valid_from from owned
            union
            select record_no, shop_linked_at from owned where shop_linked_at > created_at
            union
            select record_no, user_linked_at from owned where user_linked_at > created_at
            union
            select record_no, mail_changed_at from owned where follows and mail_changed_at > created_at
            union
            select record_no, number_changed_at from owned where follows and number_changed_at > created_at
            union
            select record_no, married_at from owned where follows and married_at > created_at
            union
            select record_no, moved_at from owned where follows and moved_at > created_at
        ),

        known as (
            select
                owned.*,
                valid_from,
                case when follows then valid_from else created_at end as known_at
            from moments
            join owned using (record_no)
        ),

        true_values as (
            select
                *,
                coalesce(
                    role_mailbox,
                    case when mail_changed_at <= known_at then mail_second else mail_first end
                ) as true_email,
                phone_digits(
                    phone_country,
                    case when number_changed_at <= known_at then 2 * phone_owner + 1 else number_first end
                ) as true_phone,
                case when married_at <= known_at then married_name else family_name end as true_family,
                coalesce(moved_at <= known_at, false) as has_moved,
                -- Support gets most numbers from the telephone network, which knows the country.
                case when kind = 'asker' and extra < 0.8 then list_extract([0, 5, 2], 1 + phone_style % 3)
                    else phone_style end as style
            from known
        ),

        damaged as (
            select
                *,
                case email_damage
                    when 'missing' then null
                    when 'placeholder' then list_extract(['noreply@example.com', 'test@example.com',
                        'unknown@example.org', 'nobody@nowhere.invalid'], 1 + placeholder)
                    when 'typo' then with_typo(split_part(true_email, '@', 1), typo_place, typo_kind)
                        || '@' || split_part(true_email, '@', 2)
                    else true_email
                end as damaged_email,
                case phone_damage
                    when 'missing' then null
                    when 'placeholder' then list_extract(['0000000000', '1111111111', '0123456789', '999999999'],
                        1 + placeholder)
                    else case when loses_zero and kind in ('contact', 'lead') then true_phone
                        else written_phone(phone_country, true_phone, style) end
                end as damaged_phone,
                case name_damage
                    when 'nickname' then coalesce(nickname, with_typo(given_name, typo_place, typo_kind))
                    when 'given' then with_typo(given_name, typo_place, typo_kind)
                    else given_name
                end as damaged_given,
                case when name_damage = 'family' then with_typo(true_family, typo_place, typo_kind)
                    else true_family end as damaged_family
            from true_values
        )

        select
            record_no,
            valid_from,
            case when letter_case = 'email' then upper(damaged_email) else damaged_email end as email,
            damaged_phone as phone,
            case letter_case when 'upper' then upper(damaged_given) when 'lower' then lower(damaged_given)
                else damaged_given end as given_name,
            case letter_case when 'upper' then upper(damaged_family) when 'lower' then lower(damaged_family)
                else damaged_family end as family_name,
            case
                when not has_birth_date then null
                when swaps_birth_date and day(birth_date) <= 12
                    then make_date(year(birth_date), day(birth_date), month(birth_date))
                else birth_date
            end as birth_date,
            gender,
            country,
            addresses.street,
            addresses.city,
            addresses.postcode,
            account_no,
            company_name,
            true_email,
            true_phone,
            case when shop_linked_at <= valid_from then shop_id end as shop_ref,
            case when user_linked_at <= valid_from then user_id end as user_ref
        from damaged
        join addresses on addresses.person_id = damaged.person_id and addresses.is_moved = damaged.has_moved
        order by record_no, valid_from
        """,
    )


FACES = """
    create table faces as
    select
        named.* exclude (shop_id, user_id, shop_linked_at, user_linked_at),
        versions.* exclude (record_no, valid_from),
        greatest(
            valid_from,
            coalesce(seen(converted_at), valid_from),
            coalesce(seen(merged_at), valid_from),
            coalesce(seen(deleted_at), valid_from),
            coalesce(seen(withdrawn_at), valid_from)
        ) as updated_at
    from (
        select record_no, max(valid_from) as valid_from from versions where valid_from < horizon() group by record_no
    )
    join versions using (record_no, valid_from)
    join named using (record_no)
    order by record_no
"""
"""One row per record that was made by the day, in its newest state."""
