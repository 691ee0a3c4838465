with
catalogue as (
    select * from {{ ref("int_products") }}
),

lines as (
    select * from {{ ref("int_transaction_lines") }}
    where product_id is not null
),

-- What a product that no catalogue knows is called most often where it was sold.
{% for attribute in ["sku", "product_name", "category", "brand"] -%}
usual_{{ attribute }} as (
    select
        product_id,
        {{ attribute }}
    from lines
    where {{ attribute }} is not null
    group by product_id, {{ attribute }}
    qualify row_number() over (partition by product_id order by count(*) desc, {{ attribute }}) = 1
),

{% endfor -%}

product_ids as (
    select product_id from catalogue
    union distinct
    select product_id from lines
),

products as (
    select
        product_ids.product_id,
        coalesce(catalogue.sku, usual_sku.sku) as sku,
        coalesce(catalogue.name, usual_product_name.product_name) as product_name,
        coalesce(catalogue.category, usual_category.category) as category,
        coalesce(catalogue.brand, usual_brand.brand) as brand,
        catalogue.price,
        catalogue.cost,
        catalogue.currency
    from product_ids
    left join catalogue on product_ids.product_id = catalogue.product_id
    {% for attribute in ["sku", "product_name", "category", "brand"] -%}
    left join usual_{{ attribute }} on product_ids.product_id = usual_{{ attribute }}.product_id
    {% endfor -%}
)

select * from products
