with
identify_calls as (
    select
        coalesce(user_id, 'device:' || anonymous_id) as source_id,
        *
    from {{ ref("stg_web_events__identify") }}
    where user_id is not null or anonymous_id is not null
),

-- Traits are kept until a later call changes them.
ranked as (
    select
        *,
        row_number() over (partition by source_id order by occurred_at desc, message_id desc) as survivorship_rank
    from identify_calls
),

group_calls as (
    select
        coalesce(user_id, 'device:' || anonymous_id) as source_id,
        *
    from {{ ref("stg_web_events__group") }}
    where (user_id is not null or anonymous_id is not null) and group_id is not null
),

newest_groups as (
    select
        source_id,
        group_id
    from group_calls
    where true
    qualify row_number() over (partition by source_id order by occurred_at desc, message_id desc) = 1
),

newest as (
    select
        source_id,
        min(user_id) as user_id,
        {% for trait in [
            "given_name", "family_name", "full_name", "email", "phone", "birth_date", "gender", "job_title", "street",
            "city", "region", "postcode", "country", "locale",
        ] -%}
        {{ newest_value(trait) }} as {{ trait }},
        {% endfor -%}
        min(occurred_at) as created_at,
        max(occurred_at) as updated_at,
        min(first_load_id) as first_load_id
    from ranked
    group by source_id
),

grouped as (
    select
        newest.*,
        newest_groups.group_id
    from newest
    left join newest_groups on newest.source_id = newest_groups.source_id
)

select * from grouped
