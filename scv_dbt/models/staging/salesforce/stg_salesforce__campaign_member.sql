with
raw_rows as (
    {{ newest_rows("salesforce", "campaign_member", key="id", updated_at="system_modstamp") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as campaign_member_id,
        {{ clean_text("campaign_id") }} as campaign_id,
        {{ clean_text("contact_id") }} as contact_id,
        {{ clean_text("lead_id") }} as lead_id,
        {{ clean_word("status") }} as status,
        coalesce(has_responded, false) as has_responded,
        first_responded_date,
        coalesce(is_deleted, false) as is_deleted,
        {{ utc_timestamp("created_date") }} as created_at,
        {{ utc_timestamp("system_modstamp") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
