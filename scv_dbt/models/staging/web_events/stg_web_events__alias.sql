with
raw_rows as (
    {{ newest_rows("web_events", "alias", key="message_id") }}
),

cleaned as (
    select
        {{ clean_text("message_id") }} as message_id,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("anonymous_id") }} as anonymous_id,
        {{ utc_timestamp("timestamp") }} as occurred_at,
        {{ utc_timestamp("received_at") }} as received_at,
        {{ clean_text("previous_id") }} as previous_id,
        first_load_id
    from raw_rows
)

select * from cleaned
