with
raw_rows as (
    {{ newest_rows("zendesk", "tickets", key="id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as ticket_id,
        {{ clean_text("subject") }} as subject,
        {{ clean_text("description") }} as description,
        {{ clean_word("status") }} as status,
        {{ clean_word("priority") }} as priority,
        {{ clean_word("type") }} as ticket_type,
        {{ clean_word(json_text("via", "channel")) }} as channel,
        {{ clean_text("requester_id") }} as requester_id,
        {{ clean_text("submitter_id") }} as submitter_id,
        {{ clean_text("assignee_id") }} as assignee_id,
        {{ clean_text("organization_id") }} as organization_id,
        {{ json_timestamp("metric_set", "solved_at") }} as solved_at,
        {{ clean_word(json_text("satisfaction_rating", "score")) }} as satisfaction,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
