with
raw_events as (
    {{ newest_rows("files", "events", key="message_id") }}
),

cleaned as (
    select
        source,
        {{ clean_text("message_id") }} as message_id,
        {{ clean_text("event") }} as event,
        {{ clean_text("person_source_id") }} as person_source_id,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("anonymous_id") }} as anonymous_id,
        {{ clean_text("email") }} as email,
        {{ utc_timestamp("occurred_at") }} as occurred_at,
        {{ utc_timestamp("received_at") }} as received_at,
        {{ clean_word("channel") }} as channel,
        {{ clean_text("page_url") }} as page_url,
        {{ clean_text("category") }} as category,
        {{ to_money("value") }} as value,
        upper({{ clean_text("currency") }}) as currency,
        {{ clean_text("campaign") }} as campaign,
        properties,
        first_load_id
    from raw_events
)

select * from cleaned
