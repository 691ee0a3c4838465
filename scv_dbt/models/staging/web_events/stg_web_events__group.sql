with
raw_rows as (
    {{ newest_rows("web_events", "group", key="message_id") }}
),

cleaned as (
    select
        {{ segment_call() }}
        {{ clean_text("group_id") }} as group_id,
        {{ clean_text(json_text("traits", "name")) }} as name,
        {{ clean_text(
            "coalesce(" ~ json_text("traits", "domain") ~ ", " ~ json_text("traits", "website") ~ ")"
        ) }} as website,
        {{ clean_text(json_text("traits", "industry")) }} as industry,
        cast({{ json_number("traits", "employees") }} as bigint) as employees,
        first_load_id
    from raw_rows
)

select * from cleaned
