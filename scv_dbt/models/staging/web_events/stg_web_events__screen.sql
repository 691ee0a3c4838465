with
raw_rows as (
    {{ newest_rows("web_events", "screen", key="message_id") }}
),

cleaned as (
    select
        {{ segment_call() }}
        {{ clean_text("name") }} as name,
        {{ clean_text(json_text("context", "campaign.name")) }} as campaign,
        properties,
        first_load_id
    from raw_rows
)

select * from cleaned
