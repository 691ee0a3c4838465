{#- A goods amount of a shop order without tax: where the prices of the order have the tax in them, pro rata of it. -#}
{% macro without_tax(amount, order) -%}
    case
        when {{ order }}.taxes_included and {{ order }}.total_amount > 0
            then {{ to_money(quotient(amount ~ " * (" ~ order ~ ".total_amount - " ~ order ~ ".tax_amount)", order ~ ".total_amount")) }}
        else {{ to_money(amount) }}
    end
{%- endmacro %}
