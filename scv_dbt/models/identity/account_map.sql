with
accounts as (
    select * from {{ ref("int_accounts") }}
),

components as (
    select * from {{ ref("account_components") }}
),

registry as (
    select * from {{ ref("account_registry") }}
),

members as (
    select
        accounts.account_record_id,
        accounts.source,
        accounts.source_id,
        first_value({{ account_id_of("accounts.account_record_id") }})
            over (partition by components.component_id order by registry.birth_seq)
            as account_id,
        {{ account_id_of("accounts.account_record_id") }} as own_account_id
    from accounts
    inner join components on accounts.account_record_id = components.record_id
    inner join registry on accounts.account_record_id = registry.account_record_id
)

select * from members
