select order_id
from {{ ref("int_transactions") }}
group by order_id
having
    count(case when transaction_type = 'sale' then 1 end) > 0
    and count(case when transaction_type = 'sale' and is_counted then 1 end) = 0
    and count(case when is_counted then 1 end) > 0
