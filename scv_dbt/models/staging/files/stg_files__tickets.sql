with
raw_tickets as (
    {{ newest_rows("files", "tickets", key="source_id") }}
),

cleaned as (
    select
        source,
        {{ clean_text("source_id") }} as source_id,
        {{ clean_text("person_source_id") }} as person_source_id,
        {{ clean_text("email") }} as email,
        {{ clean_text("subject") }} as subject,
        {{ clean_text("body") }} as body,
        {{ clean_word("status") }} as status,
        {{ clean_word("priority") }} as priority,
        {{ clean_word("channel") }} as channel,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("solved_at") }} as solved_at,
        {{ clean_text("satisfaction") }} as satisfaction,
        first_load_id
    from raw_tickets
)

select * from cleaned
