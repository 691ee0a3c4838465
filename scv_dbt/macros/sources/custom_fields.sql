{#- dlt's type of a custom field, from the type that platform.yml names. -#}
{% macro custom_field_raw_type(type) -%}
    {{ return({
        "string": "text", "integer": "bigint", "decimal": "decimal",
        "boolean": "bool", "date": "date", "timestamp": "timestamp",
    }[type]) }}
{%- endmacro %}


{#- The type of a custom field after staging, in words that every engine reads. -#}
{% macro custom_field_type(type) -%}
    {{ return({
        "string": "string", "integer": "bigint", "decimal": "decimal(18, 4)",
        "boolean": "boolean", "date": "date", "timestamp": "timestamp",
    }[type]) }}
{%- endmacro %}


{#- A custom field without a value, in its type. -#}
{% macro custom_field_null(type) -%}
    {{ to_money("null") if type == "decimal" else "cast(null as " ~ custom_field_type(type) ~ ")" }}
{%- endmacro %}


{#- Select items that clean the custom fields of an entity, each followed by a comma. -#}
{% macro staged_custom_fields(entity) -%}
    {%- for field in custom_fields(entity) %}
        {%- if field.type == "string" -%}
            {{ clean_text(field.name) }}
        {%- elif field.type == "decimal" -%}
            {{ to_money(field.name) }}
        {%- elif field.type == "timestamp" -%}
            {{ utc_timestamp(field.name) }}
        {%- else -%}
            cast({{ field.name }} as {{ custom_field_type(field.type) }})
        {%- endif %} as {{ field.name }},
    {% endfor -%}
{%- endmacro %}


{#- Select items that carry the custom fields of an entity, each followed by a comma. -#}
{% macro carried_custom_fields(entity, relation) -%}
    {%- for field in custom_fields(entity) -%}
        {{ relation }}.{{ field.name }},
    {% endfor -%}
{%- endmacro %}


{#- The columns of a contract are those of its YAML and, where `meta.custom_fields` names an entity, the custom
    fields of that entity: the contract stays enforced while companies add columns without code. -#}
{% macro default__get_assert_columns_equivalent(sql) -%}
    {%- for field in custom_fields(model.config.meta.custom_fields) -%}
        {%- do model.columns.update({
            field.name: {
                "name": field.name,
                "data_type": custom_field_type(field.type),
                "description": field.description,
                "constraints": [],
            }
        }) -%}
    {%- endfor -%}
    {{ return(assert_columns_equivalent(sql)) }}
{%- endmacro %}
