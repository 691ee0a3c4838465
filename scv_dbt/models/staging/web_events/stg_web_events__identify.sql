with
raw_rows as (
    {{ newest_rows("web_events", "identify", key="message_id") }}
),

cleaned as (
    select
        {{ segment_call() }}
        {{ clean_text(json_text("traits", "email")) }} as email,
        {{ clean_text(json_text("traits", "phone")) }} as phone,
        {{ clean_text(json_text("traits", "firstName")) }} as given_name,
        {{ clean_text(json_text("traits", "lastName")) }} as family_name,
        {{ clean_text(json_text("traits", "name")) }} as full_name,
        {{ json_date("traits", "birthday") }} as birth_date,
        {{ clean_word(json_text("traits", "gender")) }} as gender,
        {{ clean_text(json_text("traits", "title")) }} as job_title,
        {{ clean_text(json_text("traits", "address.street")) }} as street,
        {{ clean_text(json_text("traits", "address.city")) }} as city,
        {{ clean_text(json_text("traits", "address.state")) }} as region,
        {{ clean_text(json_text("traits", "address.postalCode")) }} as postcode,
        {{ clean_text(json_text("traits", "address.country")) }} as country,
        replace({{ clean_word(json_text("context", "locale")) }}, '_', '-') as locale,
        first_load_id
    from raw_rows
)

select * from cleaned
