with
products as (
    select * from {{ ref("int_products_unioned") }}
),

newest as (
    select *
    from products
    where true
    qualify row_number() over (partition by product_id order by load_id desc, source) = 1
)

select * from newest
