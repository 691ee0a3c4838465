{{ config(materialized="incremental", full_refresh=false) }}

{{ records_as_they_come(ref("source_records"), "record_id") }}
