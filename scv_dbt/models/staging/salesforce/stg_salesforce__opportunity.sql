with
raw_rows as (
    {{ newest_rows("salesforce", "opportunity", key="id", updated_at="system_modstamp") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as opportunity_id,
        {{ clean_text("account_id") }} as account_id,
        {{ clean_text("contact_id") }} as contact_id,
        {{ clean_text("name") }} as name,
        {{ clean_text("stage_name") }} as stage_name,
        {{ to_money("amount") }} as amount,
        upper({{ clean_text("currency_iso_code") }}) as currency,
        probability,
        close_date,
        coalesce(is_closed, false) as is_closed,
        coalesce(is_won, false) as is_won,
        {{ clean_text("type") }} as opportunity_type,
        {{ clean_text("lead_source") }} as lead_source,
        {{ clean_text("campaign_id") }} as campaign_id,
        coalesce(is_deleted, false) as is_deleted,
        {{ utc_timestamp("created_date") }} as created_at,
        {{ utc_timestamp("system_modstamp") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
