with
raw_rows as (
    {{ newest_rows("web_events", "page", key="message_id") }}
),

cleaned as (
    select
        {{ segment_call() }}
        {{ clean_text("name") }} as name,
        {{ clean_text("category") }} as category,
        {{ clean_text(json_text("context", "campaign.name")) }} as campaign,
        coalesce(
            {{ clean_text(json_text("properties", "url")) }}, {{ clean_text(json_text("context", "page.url")) }}
        ) as page_url,
        properties,
        first_load_id
    from raw_rows
)

select * from cleaned
