with
raw_rows as (
    {{ newest_rows("zendesk", "ticket_comments", key="id") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as comment_id,
        {{ clean_text("ticket_id") }} as ticket_id,
        {{ clean_text("author_id") }} as author_id,
        {{ clean_text("body") }} as body,
        coalesce(public, false) as is_public,
        {{ clean_word(json_text("via", "channel")) }} as channel,
        {{ utc_timestamp("created_at") }} as created_at,
        first_load_id
    from raw_rows
)

select * from cleaned
