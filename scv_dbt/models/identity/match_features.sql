{%- set words = {
    "given_name": "given_name_normalised",
    "family_name": "family_name_normalised",
    "birth_date": "cast(birth_date as string)",
} -%}
{%- set identifier_types = ["national_id", "email", "phone"] -%}
{%- set features = words | list + identifier_types + ["street", "city", "postcode", "job_title"] -%}

with
records as (
    select * from {{ ref("source_records") }}
    where not is_anonymous
),

blocklist as (
    select * from {{ ref("identity_blocklist") }}
    where part = 'value'
),

-- What more records have than one person is no evidence, as it is none for a rule.
countable as (
    select * from {{ ref("identifiers") }}
    where blocked_as is null and identifier_type in {{ texts(identifier_types) }}
    qualify count(*) over (partition by identifier_type, identifier_value) <= {{ var("identity_hub_cap") }}
),

-- Of several values the least, so that nothing depends on the order in which they came.
identifiers as (
    select
        {% for type in identifier_types -%}
        min(case when identifier_type = '{{ type }}' then identifier_value end) as {{ type }},
        {% endfor -%}
        record_id
    from countable
    group by record_id
),

attributes as (
    select
        record_id,
        {% for word, column in words.items() -%}
        {{ column }} as {{ word }},
        {% endfor -%}
        {{ name_normalised("street") }} as street,
        {{ name_normalised("city") }} as city,
        postcode_normalised as postcode,
        {{ name_normalised("job_title") }} as job_title
    from records
),

-- What stands for nobody, such as the birth date 1900-01-01, tells nobody apart.
known as (
    select
        attributes.record_id,
        {% for word in words -%}
        case when {{ word }}_blocklist.word is null then attributes.{{ word }} end as {{ word }},
        {% endfor -%}
        {% for type in identifier_types -%}
        identifiers.{{ type }},
        {% endfor -%}
        attributes.street,
        attributes.city,
        attributes.postcode,
        attributes.job_title
    from attributes
    left join identifiers on attributes.record_id = identifiers.record_id
    {% for word in words -%}
    left join blocklist as {{ word }}_blocklist
        on
            {{ word }}_blocklist.identifier_type = '{{ word }}'
            and attributes.{{ word }} = {{ word }}_blocklist.word
    {% endfor %}
),

features as (
    select
        record_id,
        {{ features | join(",\n        ") }},
        -- The same for names that stand in each other's place.
        case
            when given_name < family_name then given_name || ' ' || family_name
            else family_name || ' ' || given_name
        end as full_name,
        {{ sha256_hex("concat(coalesce(" ~ features | join(", ''), '|', coalesce(") ~ ", ''))") }} as features_hash
    from known
    -- One feature alone tells nobody apart.
    where
        {% for feature in features -%}
        {{ "+ " if not loop.first }}case when {{ feature }} is not null then 1 else 0 end
        {% endfor -%}
        > 1
)

select * from features
