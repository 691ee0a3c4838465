with
raw_rows as (
    {{ newest_rows("web_events", "alias", key="message_id") }}
),

cleaned as (
    select
        {{ segment_call() }}
        {{ clean_text("previous_id") }} as previous_id,
        first_load_id
    from raw_rows
)

select * from cleaned
