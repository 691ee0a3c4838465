with
guest_orders as (
    select * from {{ ref("stg_shopify__orders") }}
    where is_guest
),

-- A guest is whom the newest order describes: one address, not parts of several.
newest as (
    select
        *,
        min(occurred_at) over (partition by person_source_id) as created_at_first,
        min(first_load_id) over (partition by person_source_id) as first_load_id_first
    from guest_orders
    where true
    qualify row_number() over (partition by person_source_id order by occurred_at desc, order_id desc) = 1
),

guests as (
    select
        person_source_id as source_id,
        given_name,
        family_name,
        email,
        phone,
        street,
        city,
        region,
        postcode,
        country,
        created_at_first as created_at,
        updated_at,
        first_load_id_first as first_load_id
    from newest
)

select * from guests
