with
raw_rows as (
    {{ newest_rows("zendesk", "satisfaction_ratings", key="id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as rating_id,
        {{ clean_text("ticket_id") }} as ticket_id,
        {{ clean_text("requester_id") }} as requester_id,
        {{ clean_text("assignee_id") }} as assignee_id,
        {{ clean_word("score") }} as score,
        {{ clean_text("comment") }} as comment,
        {{ clean_text("reason") }} as reason,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
