with
raw_identifiers as (
    {{ newest_rows("files", "identifiers") }}
),

cleaned as (
    select
        source,
        {{ clean_text("person_source_id") }} as person_source_id,
        {{ clean_word("identifier_type") }} as identifier_type,
        {{ clean_text("identifier_value") }} as identifier_value,
        {{ utc_timestamp("observed_at") }} as observed_at,
        first_load_id
    from raw_identifiers
)

select * from cleaned
