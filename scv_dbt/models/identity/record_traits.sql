{%- set traits = guarded_traits() -%}
{%- set attributes = identity_attributes() -%}

with
records as (
    select * from {{ ref("source_records") }}
),

identifiers as (
    select * from {{ ref("identifiers") }}
    where blocked_as is null
),

blocklist as (
    select * from {{ ref("identity_blocklist") }}
    where part = 'value'
),

values_of_records as (
    {% for trait in traits if trait in attributes -%}
    select
        record_id,
        '{{ trait }}' as trait,
        {{ attributes[trait] }} as trait_value
    from records
    union all
    {% endfor -%}
    select
        record_id,
        identifier_type as trait,
        identifier_value as trait_value
    from identifiers
    where identifier_type in ({% for trait in traits if trait not in attributes %}'{{ trait }}', {% endfor %}'')
),

known as (
    select distinct
        values_of_records.record_id,
        values_of_records.trait,
        values_of_records.trait_value
    from values_of_records
    left join blocklist
        on
            values_of_records.trait = blocklist.identifier_type
            and values_of_records.trait_value = blocklist.word
    where
        values_of_records.trait_value is not null
        and blocklist.word is null
)

select * from known
