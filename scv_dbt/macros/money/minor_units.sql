{#- An amount in Stripe's minor units as money. Most currencies have a hundredth; some none, and some a thousandth.
    https://docs.stripe.com/currencies#zero-decimal -#}
{% macro from_minor_units(amount, currency) -%}
    {%- set unit -%}
    case
        when upper({{ currency }}) in (
            'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
        ) then 1
        when upper({{ currency }}) in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 0.001
        else 0.01
    end
    {%- endset -%}
    {{ to_money(to_money(amount) ~ " * " ~ to_money(unit)) }}
{%- endmacro %}
