{{ config(meta={"dagster": {"ref": {"name": "transactions"}}}) }}

select int_transactions.transaction_id
from {{ ref("int_transactions") }} as int_transactions
left join {{ ref("transactions") }} as transactions
    on
        int_transactions.transaction_id = transactions.transaction_id
        and int_transactions.net_amount = transactions.net_amount
where transactions.transaction_id is null
