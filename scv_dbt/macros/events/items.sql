{#- Aggregates items into a line that people read: 2 x Slim Jeans, 1 x Baby Bib. No quantity is one. -#}
{% macro list_of_items(quantity, name, order_by) -%}
    string_agg(
        {{ plain_number("coalesce(" ~ quantity ~ ", 1)") }} || ' x ' || {{ name }}, ', '
        order by {{ nulls_last(order_by) }}
    )
{%- endmacro %}

{#- A number without zeros that say nothing. -#}
{% macro plain_number(expression) -%}
    case
        when {{ expression }} = floor({{ expression }})
            then cast(cast(floor({{ expression }}) as bigint) as string)
        else rtrim(cast({{ expression }} as string), '0')
    end
{%- endmacro %}


{#- Aggregates items into the JSON of `events.items`, which has the same keys and numbers whoever tells the event.
    `values` maps keys to expressions; price and quantity are money. -#}
{% macro json_items(values, order_by) -%}
    {%- set fields = {} -%}
    {%- for key in item_keys() -%}
        {%- do fields.update({key: values.get(key, key)}) -%}
    {%- endfor -%}
    {{ json_objects(fields, order_by) }}
{%- endmacro %}

{% macro item_keys() -%}
    {{ return(["product_id", "sku", "name", "category", "price", "quantity"]) }}
{%- endmacro %}
