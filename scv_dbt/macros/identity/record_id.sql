{#- The person record of a fact: the person that the source names, else the guest of its e-mail address, else null. -#}
{% macro person_record_id(source, person_source_id, email_normalised) -%}
    case
        when {{ person_source_id }} is not null
            then {{ source }} || ':' || {{ person_source_id }}
        when {{ email_normalised }} is not null
            then {{ source }} || ':guest:' || substr({{ sha256_hex(email_normalised) }}, 1, 16)
    end
{%- endmacro %}

{#- The record of a device. The application names devices by the ids that web events have. -#}
{% macro device_record_id(source, anonymous_id) -%}
    case {{ source }} when 'app_db' then 'web_events' else {{ source }} end || ':device:' || {{ anonymous_id }}
{%- endmacro %}


{#- guest or device, where the id in the source says so, else the other word. -#}
{% macro record_type_of(source_id, otherwise) -%}
    case
        when {{ source_id }} like 'guest:%' then 'guest'
        when {{ source_id }} like 'device:%' then 'device'
        else '{{ otherwise }}'
    end
{%- endmacro %}


{#- The id of the customer that a record names. -#}
{% macro customer_id_of(record_id) -%}
    'c_' || substr({{ sha256_hex(record_id) }}, 1, 20)
{%- endmacro %}

{#- The id of the account that an account record names. -#}
{% macro account_id_of(account_record_id) -%}
    'a_' || substr({{ sha256_hex(account_record_id) }}, 1, 20)
{%- endmacro %}
