{{ config(severity="warn") }}

-- There are no rates yet: these amounts are in no figure in the base currency.
select
    source,
    currency,
    count(*) as row_count,
    sum(net_amount) as net_amount
from {{ ref("transactions") }}
where net_amount_base is null
group by source, currency
