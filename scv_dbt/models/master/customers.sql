with
records as (
    select * from {{ ref("source_records") }}
),

identity_map as (
    select * from {{ ref("identity_map") }}
    where customer_id is not null
),

-- A deleted record stays a member, so that its customer keeps id and history, but says nothing any more.
ranked as (
    select
        records.*,
        identity_map.customer_id,
        case
            when not records.is_deleted
                then row_number() over (
                    partition by identity_map.customer_id
                    order by records.updated_at desc nulls last, records.created_at desc nulls last, records.record_id
                )
        end as survivorship_rank
    from records
    inner join identity_map on records.record_id = identity_map.record_id
),

golden as (
    select
        customer_id,
        {% for attribute in [
            "given_name", "family_name", "email", "phone", "birth_date", "gender", "job_title", "street", "city",
            "region", "postcode", "country", "language",
        ] + custom_fields("people") | map(attribute="name") | list -%}
        {{ newest_value(attribute) }} as {{ attribute }},
        {% endfor -%}
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        count(*) as record_count,
        string_agg(distinct source, ', ' order by source) as sources
    from ranked
    group by customer_id
),

named as (
    select
        customer_id,
        given_name,
        family_name,
        coalesce(given_name || ' ' || family_name, given_name, family_name) as full_name,
        email,
        phone,
        birth_date,
        gender,
        job_title,
        street,
        city,
        region,
        postcode,
        country,
        language,
        {{ carried_custom_fields("people", "golden") -}}
        first_seen_at,
        last_seen_at,
        record_count,
        sources
    from golden
)

select * from named
