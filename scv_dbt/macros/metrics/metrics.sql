{#- The number of distinct orders that were sold, of the rows that meet the condition. -#}
{% macro count_orders(condition="true") -%}
    count(distinct case when transaction_type = 'sale' and {{ condition }} then order_id end)
{%- endmacro %}

{#- The whole years from a birth date to a day, both dates; null before birth. -#}
{% macro age_on(birth_date, day) -%}
    case
        when {{ birth_date }} <= {{ day }}
            then extract(year from {{ day }}) - extract(year from {{ birth_date }})
                - case
                    when extract(month from {{ day }}) * 100 + extract(day from {{ day }})
                        < extract(month from {{ birth_date }}) * 100 + extract(day from {{ birth_date }})
                        then 1
                    else 0
                end
    end
{%- endmacro %}
