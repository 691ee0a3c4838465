with
raw_rows as (
    {{ newest_rows("app_db", "sign_ins", key="sign_in_id", updated_at="signed_in_at") }}
),

cleaned as (
    select
        {{ clean_text("sign_in_id") }} as sign_in_id,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("anonymous_id") }} as anonymous_id,
        {{ utc_timestamp("signed_in_at") }} as signed_in_at,
        first_load_id
    from raw_rows
)

select * from cleaned
