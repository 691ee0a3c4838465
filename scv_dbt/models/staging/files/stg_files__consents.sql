with
raw_consents as (
    {{ newest_rows("files", "consents") }}
),

cleaned as (
    select
        source,
        {{ clean_text("person_source_id") }} as person_source_id,
        {{ clean_text("email") }} as email,
        {{ clean_text("phone") }} as phone,
        {{ clean_word("purpose") }} as purpose,
        {{ clean_word("channel") }} as channel,
        {{ clean_word("status") }} as status,
        {{ utc_timestamp("occurred_at") }} as occurred_at,
        first_load_id
    from raw_consents
)

select * from cleaned
