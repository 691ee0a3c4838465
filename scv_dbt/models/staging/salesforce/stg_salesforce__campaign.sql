with
raw_rows as (
    {{ newest_rows("salesforce", "campaign", key="id", updated_at="system_modstamp") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as campaign_id,
        {{ clean_text("name") }} as name,
        {{ clean_text("type") }} as campaign_type,
        {{ clean_word("status") }} as status,
        start_date,
        end_date,
        {{ to_money("budgeted_cost") }} as budgeted_cost,
        {{ to_money("actual_cost") }} as actual_cost,
        coalesce(is_active, false) as is_active,
        coalesce(is_deleted, false) as is_deleted,
        {{ utc_timestamp("created_date") }} as created_at,
        {{ utc_timestamp("system_modstamp") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
