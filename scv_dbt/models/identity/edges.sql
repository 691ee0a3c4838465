{{ config(materialized="edges_by_level") }}
{%- do max_values() %}
{%- do identity_model() %}

-- depends_on: {{ ref("identifiers") }}
-- depends_on: {{ ref("source_records") }}
-- depends_on: {{ ref("record_traits") }}
-- depends_on: {{ ref("given_names") }}
-- depends_on: {{ ref("overrides") }}
-- depends_on: {{ source("identity", "scored_pairs") }}
-- depends_on: {{ source("identity", "match_models") }}
with
keys as (
    select * from {{ ref("match_keys") }}
)

select * from keys
