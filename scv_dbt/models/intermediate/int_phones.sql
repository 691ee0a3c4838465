with
people as (
    select * from {{ ref("int_people_unioned") }}
),

identifiers as (
    select * from {{ ref("int_identifiers_unioned") }}
    where identifier_type = 'phone'
),

consents as (
    select * from {{ ref("int_consents_unioned") }}
),

given_phones as (
    select
        phone,
        country
    from people
    union distinct
    select
        identifier_value as phone,
        cast(null as string) as country
    from identifiers
    union distinct
    select
        phone,
        cast(null as string) as country
    from consents
),

phones as (
    {{ normalised_phones("given_phones") }}
)

select * from phones
