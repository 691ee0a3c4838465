{{ config(severity="warn", meta={"dagster": {"ref": {"name": "stg_reference__country_names"}}}) }}

-- Add the word to the seed `country_aliases`, or to `null_values` of the source.
select
    people.source,
    people.country,
    count(*) as row_count
from {{ source("files", "people") }} as people
left join {{ ref("stg_reference__country_names") }} as names on {{ country_key("people.country") }} = names.name_key
where
    {{ clean_text("people.country") }} is not null
    and names.name_key is null
group by people.source, people.country
