with
raw_rows as (
    {{ newest_rows("salesforce", "lead", key="id", updated_at="system_modstamp") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as lead_id,
        {{ clean_text("first_name") }} as given_name,
        {{ clean_text("last_name") }} as family_name,
        {{ clean_text("email") }} as email,
        {{ clean_text("phone") }} as phone,
        {{ clean_text("company") }} as company,
        {{ clean_text("title") }} as job_title,
        {{ clean_text("street") }} as street,
        {{ clean_text("city") }} as city,
        {{ clean_text("state") }} as region,
        {{ clean_text("postal_code") }} as postcode,
        {{ clean_text("country") }} as country,
        {{ clean_word("status") }} as status,
        {{ clean_text("lead_source") }} as lead_source,
        coalesce(has_opted_out_of_email, false) as has_opted_out_of_email,
        coalesce(is_converted, false) as is_converted,
        converted_date,
        {{ clean_text("converted_contact_id") }} as converted_contact_id,
        {{ clean_text("converted_account_id") }} as converted_account_id,
        {{ clean_text("converted_opportunity_id") }} as converted_opportunity_id,
        coalesce(is_deleted, false) as is_deleted,
        {{ clean_text("master_record_id") }} as master_record_id,
        {{ utc_timestamp("created_date") }} as created_at,
        {{ utc_timestamp("system_modstamp") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
