with
records as (
    select * from {{ ref("source_records") }}
),

identifiers as (
    select * from {{ ref("identifiers") }}
),

blocklist as (
    select * from {{ ref("identity_blocklist") }}
    where part = 'value'
),

attributes as (
    select
        {% for name, attribute in identity_attributes().items() -%}
        {{ attribute["key"] }} as {{ name }},
        {{ attribute.trait }} as {{ name }}_listed,
        {% endfor -%}
        record_id
    from records
),

{% for rule in identity_rules() -%}
{%- set types = rule["keys"] | select("in", var("identity_identifier_types")) | list -%}
{%- set words = rule["keys"] | reject("in", var("identity_identifier_types")) | list -%}
{{ rule.name }}_keys as (
    select
        attributes.record_id,
        '{{ rule.name }}' as rule,
        {{ rule.level }} as level,
        {% if rule["keys"] | length == 1 -%}
        {{ types[0] }}.key_hash,
        {{ types[0] }}.blocked_because
        {% else -%}
        {{ sha256_hex(composite_key(rule.name, types, words)) }} as key_hash,
        cast(null as string) as blocked_because
        {% endif -%}
    from attributes
    {% for type in types -%}
    inner join identifiers as {{ type }}
        on
            attributes.record_id = {{ type }}.record_id
            and {{ type }}.identifier_type = '{{ type }}'
            {% if rule["keys"] | length > 1 -%}
            and {{ type }}.blocked_as is distinct from 'placeholder'
            {% endif -%}
    {% endfor -%}
    {% for word in words -%}
    left join blocklist as {{ word }}_blocklist
        on
            {{ word }}_blocklist.identifier_type = '{{ identity_attributes()[word].of or word }}'
            and attributes.{{ word }}_listed = {{ word }}_blocklist.word
    {% endfor -%}
    where
        true
        {% for word in words -%}
        and attributes.{{ word }} is not null
        and {{ word }}_blocklist.word is null
        {% endfor %}
),

{% endfor -%}
all_keys as (
    {% for rule in identity_rules() -%}
    select * from {{ rule.name }}_keys
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

shared_keys as (
    select *
    from all_keys
    where true
    qualify count(*) over (partition by rule, key_hash) > 1
)

select * from shared_keys
