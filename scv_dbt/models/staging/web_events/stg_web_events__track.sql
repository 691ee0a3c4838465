with
raw_rows as (
    {{ newest_rows("web_events", "track", key="message_id") }}
),

cleaned as (
    select
        {{ segment_call() }}
        {{ clean_text("event") }} as event,
        {{ clean_text(json_text("context", "traits.email")) }} as email,
        {{ clean_text(json_text("context", "campaign.name")) }} as campaign,
        {{ clean_text(json_text("context", "page.url")) }} as page_url,
        properties,
        first_load_id
    from raw_rows
)

select * from cleaned
