with
raw_accounts as (
    {{ newest_rows("files", "accounts", key="source_id", updated_at="updated_at") }}
),

cleaned as (
    select
        source,
        {{ clean_text("source_id") }} as source_id,
        {{ clean_text("name") }} as name,
        {{ clean_word("domain") }} as domain,
        {{ clean_text("industry") }} as industry,
        employees,
        {{ clean_text("parent_source_id") }} as parent_source_id,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_accounts
)

select * from cleaned
