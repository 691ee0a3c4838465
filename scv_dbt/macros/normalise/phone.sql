{#- One row per (phone, country) of a relation that is a phone number: phone, country, phone_e164.

    A number may begin with + and a calling code, with what is dialled in its country before one, with the trunk prefix
    of the country, or with nothing, as after a spreadsheet has dropped the zero. Each way to read it is a row of
    `readings`; the first that is a number which exists, by `phone_plans.sql`, is what was meant. A row without a
    country is read in the default one. -#}
{% macro normalised_phones(relation) -%}
    with
    phones as (
        select distinct
            phone,
            country,
            {{ dialled_digits("phone") }} as dialled
        from {{ relation }}
        where phone is not null
    ),

    -- An engine may read what a seed leaves empty as an empty text.
    countries as (
        select
            alpha2,
            nullif(calling_code, '') as calling_code
        from {{ ref("countries") }}
    ),

    numbers as (
        select
            phones.phone,
            phones.country,
            countries.alpha2 as home,
            countries.calling_code as home_code,
            replace(phones.dialled, '+', '') as digits,
            phones.dialled like '+%' as has_plus
        from phones
        left join countries on coalesce(phones.country, {{ default_country() }}) = countries.alpha2
    ),

    called_from_abroad as (
        select
            phone,
            country,
            10 as place,
            digits
        from numbers
        where has_plus
        union all
        select
            phone,
            country,
            10 as place,
            case
                {% for prefix, countries in international_prefixes().items() -%}
                when home in {{ texts(countries) }}
                    then {{ regexp_capture("digits", "^(?:" ~ prefix ~ ")([1-9].*)$") }}
                {% endfor %}
            end as digits
        from numbers
        where not has_plus
        union all
        select
            phone,
            country,
            40 as place,
            {{ regexp_capture("digits", "^00([1-9].*)$") }} as digits
        from numbers
        where not has_plus
    ),

    with_calling_code as (
        select
            *,
            -- No calling code begins with another.
            {{ regexp_capture("digits", "^(" ~ national_numbers() | join("|") ~ ")") }} as calling_code
        from called_from_abroad
    ),

    readings as (
        select
            phone,
            country,
            place,
            calling_code,
            calling_code as plan,
            substr(digits, length(calling_code) + 1) as digits
        from with_calling_code
        where calling_code is not null
        union all
        select
            phone,
            country,
            20 as place,
            home_code as calling_code,
            home as plan,
            digits
        from numbers
        where not has_plus and home_code is not null
        union all
        select
            phone,
            country,
            30 as place,
            home_code as calling_code,
            home as plan,
            substr(digits, length(home_code) + 1) as digits
        from numbers
        where not has_plus and digits like home_code || '%'
    ),

    -- Grouped, else an engine would write the long expressions that follow into one another.
    different_readings as (
        select
            phone,
            country,
            calling_code,
            plan,
            digits,
            min(place) as place
        from readings
        group by phone, country, calling_code, plan, digits
    ),

    national_readings as (
        select
            phone,
            country,
            place,
            calling_code,
            case
                {% for rule in trunk_rules() -%}
                when
                    plan in {{ texts(rule.plans) }}
                    and {{ regexp_matches("digits", "^(?:" ~ rule.pattern ~ ")") }}
                    then {{ regexp_replace_all("digits", "^(?:" ~ rule.pattern ~ ")", rule.replacement) }}
                {% endfor %}
            end as national_number
        from different_readings
        union all
        select
            phone,
            country,
            place + 1 as place,
            calling_code,
            digits as national_number
        from different_readings
    ),

    candidates as (
        select
            phone,
            country,
            calling_code,
            national_number,
            min(place) as place
        from national_readings
        group by phone, country, calling_code, national_number
    ),

    -- 000 0000 and 999 9999 are what people type who do not want to be called.
    judged as (
        select
            *,
            length(replace(national_number, substr(national_number, length(national_number), 1), '')) > 1
            and case calling_code
                {% for calling_code, patterns in national_numbers().items() -%}
                when '{{ calling_code }}'
                    then {% for pattern in patterns %}{{ regexp_matches("national_number", "^(?:" ~ pattern ~ ")$") }}{{ " and " if not loop.last }}{% endfor %}
                {% endfor %}
            end as does_exist
        from candidates
    )

    select
        phone,
        country,
        {{ value_of_least("'+' || calling_code || national_number", "case when does_exist then place end") }} as phone_e164
    from judged
    group by phone, country
{%- endmacro %}


{#- The digits of a phone number up to its extension, after a + where it has one; null without a digit. -#}
{% macro dialled_digits(phone) -%}
    {%- set digits, western = "＋０１２３４５６７８９٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "+012345678901234567890123456789" -%}
    {%- set in_western -%}
        case when {{ regexp_matches(phone, "[" ~ digits ~ "]") }} then translate({{ phone }}, '{{ digits }}', '{{ western }}') else {{ phone }} end
    {%- endset -%}
    {{ regexp_replace_all(regexp_capture(in_western, "^([^0-9]*[0-9][^\\p{L}#;,~]*)"), "[^0-9+]+", "") }}
{%- endmacro %}
