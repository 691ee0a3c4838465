with
products as (
    select * from {{ ref("stg_files__products") }}
),

newest as (
    select *
    from products
    where true
    qualify row_number() over (partition by product_id order by load_id desc, source) = 1
)

select * from newest
