{{ config(materialized="incremental", full_refresh=false) }}

{{ records_as_they_come(ref("int_accounts"), "account_record_id") }}
