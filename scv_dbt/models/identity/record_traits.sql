{%- set traits = guarded_traits(identity_rules() + [var("identity_model")]) -%}
{%- set attributes = identity_attributes() -%}

with
records as (
    select * from {{ ref("source_records") }}
),

-- What more records have than one person is as if it were blocked: it neither speaks for one person nor against.
identifiers as (
    select * from {{ ref("identifiers") }}
    where blocked_as is null and identifier_type in {{ texts(traits | reject("in", attributes) | list) }}
    qualify count(*) over (partition by identifier_type, identifier_value) <= {{ var("identity_hub_cap") }}
),

guest_names as (
    select * from {{ ref("int_guest_names") }}
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
        {{ attributes[trait].trait }} as trait_value
    from records
    union all
    {% endfor -%}
    -- Who buys as a guest under two names is two people who share an address, and conflicts with both of them.
    {% if "given_name" in traits -%}
    select
        record_id,
        'given_name' as trait,
        given_name_normalised as trait_value
    from guest_names
    union all
    {% endif -%}
    select
        record_id,
        identifier_type as trait,
        identifier_value as trait_value
    from identifiers
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
