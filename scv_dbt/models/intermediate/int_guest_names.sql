with
guest_orders as (
    select * from {{ ref("stg_shopify__orders") }}
    where is_guest
),

named as (
    select
        'shopify:' || person_source_id as record_id,
        {{ name_normalised("given_name") }} as given_name_normalised
    from guest_orders
),

distinct_names as (
    select distinct
        record_id,
        given_name_normalised
    from named
    where given_name_normalised is not null
)

select * from distinct_names
