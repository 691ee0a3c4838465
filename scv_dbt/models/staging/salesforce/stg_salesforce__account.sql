with
raw_rows as (
    {{ newest_rows("salesforce", "account", key="id", updated_at="system_modstamp") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as account_id,
        {{ clean_text("name") }} as name,
        {{ clean_word("website") }} as website,
        {{ clean_text("industry") }} as industry,
        number_of_employees as employees,
        {{ clean_text("type") }} as account_type,
        {{ clean_text("parent_id") }} as parent_account_id,
        {{ clean_text("phone") }} as phone,
        {{ clean_text("billing_street") }} as street,
        {{ clean_text("billing_city") }} as city,
        {{ clean_text("billing_state") }} as region,
        {{ clean_text("billing_postal_code") }} as postcode,
        {{ clean_text("billing_country") }} as country,
        coalesce(is_deleted, false) as is_deleted,
        {{ clean_text("master_record_id") }} as master_record_id,
        {{ utc_timestamp("created_date") }} as created_at,
        {{ utc_timestamp("system_modstamp") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
