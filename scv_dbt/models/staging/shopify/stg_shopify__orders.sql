-- Half a dozen models read the orders, and the JSON in them is what costs.
{{ config(materialized="table") }}

with
raw_orders as (
    {{ newest_rows("shopify", "orders", key="id", updated_at="updated_at") }}
),

country_names as (
    select * from {{ ref("stg_reference__country_names") }}
),

-- One address, not parts of two: that of the bill where it has any.
addressed as (
    select
        *,
        case
            when
                {{ clean_text(json_text("billing_address", "address1")) }} is not null
                or {{ clean_text(json_text("billing_address", "last_name")) }} is not null
                then billing_address
            else shipping_address
        end as address
    from raw_orders
),

sellers as (
    select
        {{ clean_text("raw_orders.id") }} as order_id,
        min({{ clean_text(json_text("attribute", "value")) }}) as seller_id
    from raw_orders
    {{ join_json_elements("raw_orders.note_attributes", "attribute") }}
    where {{ clean_word(json_text("attribute", "name")) }} = 'seller_id'
    group by {{ clean_text("raw_orders.id") }}
),

cleaned as (
    select
        {{ clean_text("id") }} as order_id,
        {{ clean_text("name") }} as order_name,
        {{ clean_text(json_text("customer", "id")) }} as customer_id,
        {{ clean_text("email") }} as email,
        {{ email_normalised("email") }} as email_normalised,
        coalesce({{ clean_text("phone") }}, {{ clean_text(json_text("address", "phone")) }}) as phone,
        {{ clean_text(json_text("address", "first_name")) }} as given_name,
        {{ clean_text(json_text("address", "last_name")) }} as family_name,
        {{ clean_text(json_text("address", "address1")) }} as street,
        {{ clean_text(json_text("address", "city")) }} as city,
        {{ clean_text(json_text("address", "province")) }} as region,
        {{ clean_text(json_text("address", "zip")) }} as postcode,
        {{ country_key(json_text("address", "country_code")) }} as country_key,
        {{ clean_word("financial_status") }} as financial_status,
        {{ clean_word("fulfillment_status") }} as fulfillment_status,
        coalesce(test, false) as is_test,
        {{ utc_timestamp("cancelled_at") }} as cancelled_at,
        {{ clean_word("cancel_reason") }} as cancel_reason,
        upper({{ clean_text("currency") }}) as currency,
        upper({{ clean_text("presentment_currency") }}) as presentment_currency,
        {{ to_money("total_line_items_price") }} as goods_amount,
        {{ to_money("total_discounts") }} as discount_amount,
        {{ to_money("subtotal_price") }} as subtotal_amount,
        coalesce({{ to_money("total_tax") }}, 0) as tax_amount,
        coalesce(taxes_included, false) as taxes_included,
        {{ to_money(json_number("total_shipping_price_set", "shop_money.amount")) }} as shipping_amount,
        {{ to_money("total_price") }} as total_amount,
        {{ clean_word("source_name") }} as channel,
        {{ clean_text("landing_site") }} as landing_site,
        {{ clean_text("referring_site") }} as referring_site,
        discount_codes,
        {{ clean_text("tags") }} as tags,
        {{ utc_timestamp("created_at") }} as created_at,
        {{ utc_timestamp("coalesce(processed_at, created_at)") }} as occurred_at,
        {{ utc_timestamp("updated_at") }} as updated_at,
        first_load_id
    from addressed
),

standardised as (
    select
        cleaned.order_id,
        cleaned.order_name,
        cleaned.customer_id,
        cleaned.customer_id is null as is_guest,
        coalesce(
            cleaned.customer_id,
            'guest:' || substr(
                {{ sha256_hex("coalesce(cleaned.email_normalised, 'order:' || cleaned.order_id)") }}, 1, 16
            )
        ) as person_source_id,
        cleaned.email,
        cleaned.phone,
        cleaned.given_name,
        cleaned.family_name,
        cleaned.street,
        cleaned.city,
        cleaned.region,
        cleaned.postcode,
        country_names.alpha2 as country,
        cleaned.financial_status,
        cleaned.fulfillment_status,
        cleaned.is_test,
        cleaned.cancelled_at,
        cleaned.cancel_reason,
        case
            when cleaned.is_test then 'test'
            when cleaned.cancelled_at is not null then 'cancelled'
            else cleaned.financial_status
        end as status,
        cleaned.currency,
        cleaned.presentment_currency,
        cleaned.goods_amount,
        cleaned.discount_amount,
        cleaned.subtotal_amount,
        cleaned.tax_amount,
        cleaned.taxes_included,
        cleaned.shipping_amount,
        cleaned.total_amount,
        cleaned.channel,
        sellers.seller_id,
        cleaned.landing_site,
        cleaned.referring_site,
        cleaned.discount_codes,
        cleaned.tags,
        cleaned.created_at,
        cleaned.occurred_at,
        cleaned.updated_at,
        cleaned.first_load_id
    from cleaned
    left join country_names on cleaned.country_key = country_names.name_key
    left join sellers on cleaned.order_id = sellers.order_id
)

select * from standardised
