{#- The person record of a fact: the person that the source names, else the guest of its e-mail address, else null. -#}
{% macro person_record_id(source, person_source_id, email_normalised) -%}
    case
        when {{ person_source_id }} is not null
            then {{ source }} || ':' || {{ person_source_id }}
        when {{ email_normalised }} is not null
            then {{ source }} || ':guest:' || substr({{ sha256_hex(email_normalised) }}, 1, 16)
    end
{%- endmacro %}

{#- The id of the customer that a record names. -#}
{% macro customer_id_of(record_id) -%}
    'c_' || substr({{ sha256_hex(record_id) }}, 1, 20)
{%- endmacro %}
