with
raw_rows as (
    {{ newest_rows("zendesk", "users", key="id", updated_at="updated_at") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as user_id,
        {{ clean_text("name") }} as full_name,
        {{ clean_text("email") }} as email,
        {{ clean_text("phone") }} as phone,
        {{ clean_word("role") }} as role,
        {{ clean_text("external_id") }} as external_id,
        {{ clean_text("organization_id") }} as organization_id,
        replace({{ clean_word("locale") }}, '_', '-') as locale,
        coalesce(active, true) as is_active,
        coalesce(suspended, false) as is_suspended,
        coalesce(verified, false) as is_verified,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from raw_rows
)

select * from cleaned
