{#- One row per (phone, country) of a relation: phone, country, phone_e164 (null where it is no phone number).

    A number that begins with + or 00 names its country by the calling code; any other is read in the country of
    its row, else in the default country. The trunk prefix falls away, and the length must be one that fixed lines
    or mobiles of the country have. So a number that lost its trunk zero in a spreadsheet is whole again. -#}
{% macro normalised_phones(relation) -%}
    with
    phones as (
        select distinct
            phone,
            country,
            {% set without_extension = regexp_replace_all("lower(phone)", "(ext|x|#|;).*$", "") -%}
            {% set without_trunk_hint = "replace(" ~ without_extension ~ ", '(0)', '')" -%}
            {{ regexp_replace_all(without_trunk_hint, "[^0-9+]", "") }} as dialled
        from {{ relation }}
        where phone is not null
    ),

    -- An engine may read what a seed leaves empty as an empty text.
    countries as (
        select
            alpha2,
            nullif(calling_code, '') as calling_code,
            nullif(trunk_prefix, '') as trunk_prefix,
            national_length_min,
            national_length_max
        from {{ ref("countries") }}
    ),

    plans as (
        select
            calling_code,
            min(national_length_min) as length_min,
            max(national_length_max) as length_max,
            max(case when trunk_prefix = '0' then 1 else 0 end) as drops_zero
        from countries
        where calling_code is not null
        group by calling_code
    ),

    numbers as (
        select
            phone,
            country,
            replace(case when dialled like '00%' then substr(dialled, 3) else dialled end, '+', '') as digits,
            dialled like '+%' or dialled like '00%' as is_international
        from phones
    ),

    -- No calling code begins with another, so at most one of the three joins finds a plan.
    coded as (
        select
            numbers.phone,
            numbers.country,
            plans.calling_code,
            plans.length_min,
            plans.length_max,
            case
                when plans.drops_zero = 1
                    then {{ regexp_replace_all("substr(numbers.digits, length(plans.calling_code) + 1)", "^0", "") }}
                else substr(numbers.digits, length(plans.calling_code) + 1)
            end as national_number
        from numbers
        left join plans as one on substr(numbers.digits, 1, 1) = one.calling_code
        left join plans as two on substr(numbers.digits, 1, 2) = two.calling_code
        left join plans as three on substr(numbers.digits, 1, 3) = three.calling_code
        left join plans on coalesce(one.calling_code, two.calling_code, three.calling_code) = plans.calling_code
        where numbers.is_international
    ),

    home as (
        select
            numbers.phone,
            numbers.country,
            countries.calling_code,
            countries.national_length_min as length_min,
            countries.national_length_max as length_max,
            numbers.digits,
            case
                when numbers.digits like countries.trunk_prefix || '%'
                    then substr(numbers.digits, length(countries.trunk_prefix) + 1)
            end as without_trunk,
            case
                when numbers.digits like countries.calling_code || '%'
                    then substr(numbers.digits, length(countries.calling_code) + 1)
            end as without_code
        from numbers
        left join countries
            on coalesce(numbers.country, {{ default_country() }}) = countries.alpha2
        where not numbers.is_international
    ),

    readings as (
        select phone, country, calling_code, length_min, length_max, national_number from coded
        union all
        select
            phone,
            country,
            calling_code,
            length_min,
            length_max,
            case
                when length(without_trunk) between length_min and length_max then without_trunk
                when length(digits) between length_min and length_max then digits
                else without_code
            end as national_number
        from home
    )

    select
        phone,
        country,
        case
            when
                length(national_number) between length_min and length_max
                -- 000 0000 and 999 9999 are what people type who do not want to be called.
                and length(replace(national_number, substr(national_number, length(national_number), 1), '')) > 1
                then '+' || calling_code || national_number
        end as phone_e164
    from readings
{%- endmacro %}
