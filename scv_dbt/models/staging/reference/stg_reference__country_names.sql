with
countries as (
    select * from {{ ref("countries") }}
),

aliases as (
    select * from {{ ref("country_aliases") }}
),

spellings as (
    select alpha2, alpha2 as spelling from countries
    union all
    select alpha2, alpha3 as spelling from countries
    union all
    select alpha2, name as spelling from countries
    union all
    select alpha2, alias as spelling from aliases
),

keyed as (
    select distinct
        {{ country_key("spelling") }} as name_key,
        alpha2
    from spellings
)

select * from keyed
