with
raw_rows as (
    {{ newest_rows("salesforce", "contact", key="id", updated_at="system_modstamp") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as contact_id,
        {{ clean_text("account_id") }} as account_id,
        {{ clean_text("first_name") }} as given_name,
        {{ clean_text("last_name") }} as family_name,
        {{ clean_text("email") }} as email,
        {{ clean_text("phone") }} as phone,
        {{ clean_text("mobile_phone") }} as mobile_phone,
        birthdate as birth_date,
        {{ clean_text("title") }} as job_title,
        {{ clean_text("mailing_street") }} as street,
        {{ clean_text("mailing_city") }} as city,
        {{ clean_text("mailing_state") }} as region,
        {{ clean_text("mailing_postal_code") }} as postcode,
        {{ clean_text("mailing_country") }} as country,
        {{ clean_text("lead_source") }} as lead_source,
        coalesce(has_opted_out_of_email, false) as has_opted_out_of_email,
        {{ clean_text("shop_customer_id__c") }} as shop_customer_id,
        coalesce(is_deleted, false) as is_deleted,
        {{ clean_text("master_record_id") }} as master_record_id,
        {{ utc_timestamp("created_date") }} as created_at,
        {{ utc_timestamp("system_modstamp") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
