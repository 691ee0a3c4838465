{#- Aggregates items into a line that people read: 2 x Slim Jeans, 1 x Baby Bib. No quantity is one. -#}
{% macro list_of_items(quantity, name, order_by) -%}
    string_agg(
        {{ plain_number("coalesce(" ~ quantity ~ ", 1)") }} || ' x ' || {{ name }}, ', '
        order by {{ order_by }}
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
