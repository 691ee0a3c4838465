with
records as (
    select * from {{ ref("int_accounts") }}
),

account_map as (
    select * from {{ ref("account_map") }}
),

-- A deleted record counts where no other one says more. The domain of one address may be a person's own.
ranked as (
    select
        records.*,
        account_map.account_id,
        parents.account_id as parent_account_id,
        coalesce(
            records.domain, case when records.people_address_count > 1 then records.people_domain end
        ) as known_domain,
        row_number() over (
            partition by account_map.account_id
            order by
                records.is_deleted,
                records.updated_at desc nulls last,
                records.created_at desc nulls last,
                records.account_record_id
        ) as survivorship_rank
    from records
    inner join account_map on records.account_record_id = account_map.account_record_id
    left join account_map as parents on records.parent_account_record_id = parents.account_record_id
),

golden as (
    select
        account_id,
        {{ newest_value("name") }} as name,
        coalesce({{ newest_value("domain") }}, {{ newest_value("known_domain") }}) as domain,
        string_agg(distinct known_domain, ', ' order by known_domain) as domains,
        {{ newest_value("industry") }} as industry,
        {{ newest_value("employees") }} as employees,
        {{ newest_value("country") }} as country,
        {{ newest_value("parent_account_id") }} as parent_account_id,
        min(case when is_deleted then 1 else 0 end) = 1 as is_deleted,
        count(*) as record_count,
        string_agg(distinct source, ', ' order by source) as sources
    from ranked
    group by account_id
),

published as (
    select
        account_id,
        name,
        domain,
        domains,
        industry,
        employees,
        country,
        nullif(parent_account_id, account_id) as parent_account_id,
        is_deleted,
        record_count,
        sources
    from golden
)

select * from published
