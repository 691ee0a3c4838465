select
    returns.transaction_id,
    refunds.transaction_id as refund_id
from {{ ref("int_transactions") }} as returns
inner join {{ ref("int_transactions") }} as refunds on returns.order_id = refunds.order_id
where
    returns.transaction_type = 'return'
    and returns.refund_amount > 0
    and refunds.transaction_type = 'refund'
    and refunds.is_counted
    and refunds.refund_amount > 0
