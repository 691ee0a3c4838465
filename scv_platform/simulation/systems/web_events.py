"""The event collector: identify, track, page, screen, group and alias calls, in the words of the Segment Spec."""

from scv_platform.simulation import pools
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems.export import GZIP_JSON_LINES, Export

_CATEGORIES = "[" + ", ".join(f"'{name}'" for name in pools.CATEGORIES) + "]"
_SITE = "https://shop.example"


def tables() -> tuple[str, ...]:
    """Users of the day, what their orders hold, and every call that was received by then."""
    return (
        """
        create table web_users as
        select record_no, person_id, source_id from faces where kind = 'user' and copy = 0 order by person_id
        """,
        """
        create table order_items as
        select
            order_no,
            list({
                'product_id': cast(8000000000000 + 3 * product_no as varchar),
                'sku': upper(substr(category, 1, 3)) || '-' || lpad(cast(product_no as varchar), 4, '0'),
                'name': name,
                'brand': brand,
                'category': category,
                'price': units(price_cents),
                'quantity': quantity
            } order by line_no) as products
        from lines
        join products using (product_no)
        where order_no in (select order_no from calls where order_no >= 0 and is_new(received_at))
        group by order_no
        """,
        """
        create view arrived_calls as
        select * from calls where is_new(received_at)
        """,
        """
        create table arrived_sign_ins as
        select
            sign_ins.*,
            web_users.source_id,
            -- What the application knew of the user then.
            versions.* exclude (record_no),
            row_number() over (partition by sign_ins.person_id order by sign_in_no) = 1 as is_first
        from sign_ins
        join web_users on web_users.person_id = sign_ins.person_id
        asof join versions on versions.record_no = web_users.record_no and sign_ins.signed_in_at >= versions.valid_from
        where device_no >= 0 and signed_in_at < horizon() - interval 1 second
        order by sign_in_no
        """,
    )


def exports(rates: Rates) -> tuple[Export, ...]:
    """The files of the event collector."""
    del rates
    return (
        Export("web_events", "identify", _IDENTIFY, broken=_BROKEN_IDENTIFY),
        Export("web_events", "track", _TRACK, GZIP_JSON_LINES),
        Export("web_events", "page", _PAGE, GZIP_JSON_LINES),
        Export("web_events", "screen", _SCREEN, broken=_BROKEN_SCREENS),
        Export("web_events", "group", _GROUP),
        Export("web_events", "alias", _ALIAS),
    )


def _envelope(kind: str, number: str, device: str, user: str, at: str, received: str) -> str:
    return f"""
        'm-' || substr(digest('{kind}', {number}), 1, 28) as "messageId",
        '{kind.split()[0]}' as type,
        {device} as "anonymousId",
        {user} as "userId",
        millis_time({at}) as timestamp,
        millis_time({at} + interval 1 second) as "sentAt",
        millis_time({received}) as "receivedAt"
    """


def _call(kind: str) -> str:
    return _envelope(
        kind, "call_no", "device_id(device_no)", "web_users.source_id", "calls.occurred_at", "calls.received_at"
    )


_IDENTIFY = """
    with told as (
        select 'identify user' as source, sign_in_no as no, device_no, source_id as user_id, signed_in_at as told_at,
            email, phone, given_name, family_name, birth_date, gender, street, city, postcode, country
        from arrived_sign_ins
        union all
        select 'identify guest', row_number() over (order by left_at, device_no), device_no, null, left_at,
            case when sign_ups.person_id % 10 < 1 then upper(first_email) else first_email end,
            null, null, null, null, null, null, null, null, null
        from sign_ups
        join persons using (person_id)
        where left_at < horizon() - interval 1 second
    )
    select
        'm-' || substr(digest(source, no), 1, 28) as "messageId",
        'identify' as type,
        device_id(device_no) as "anonymousId",
        user_id as "userId",
        {'library': {'name': 'analytics.js', 'version': '4.1.0'}} as context,
        millis_time(told_at) as timestamp,
        millis_time(told_at + interval 1 second) as "sentAt",
        millis_time(told_at + interval 1 second) as "receivedAt",
        case when user_id is null then json_object('email', email) else json_object(
            'email', email, 'phone', phone, 'firstName', given_name, 'lastName', family_name, 'birthday', birth_date,
            'gender', case gender when 'f' then 'female' else 'male' end,
            'address', {'street': street, 'city': city, 'postalCode': postcode, 'country': country}
        ) end as traits
    from told
    where is_new(told_at + interval 1 second)
    order by told_at, "messageId"
"""

_BROKEN_IDENTIFY = (
    '{"messageId": "m-broken1", "type": "identify", "anonymousId": "x", "timestamp": "2026-02-01T10:00:00.000Z", "tr',
    '{"type": "identify", "anonymousId": "x", "timestamp": "2026-02-01T10:00:00.000Z", "traits": {}}',
)
"""Half a line; no id."""

_PRODUCT = """
    'product_id', cast(8000000000000 + 3 * products.product_no as varchar),
    'sku', upper(substr(products.category, 1, 3)) || '-' || lpad(cast(products.product_no as varchar), 4, '0'),
    'name', products.name, 'brand', products.brand, 'category', products.category,
    'price', units(products.price_cents), 'quantity', 1, 'currency', 'EUR'
"""

_CAMPAIGN = """
    case when campaigns.campaign_no is not null then json_object(
        'library', json_object('name', 'analytics.js', 'version', '4.1.0'),
        'campaign', json_object('name', campaigns.name, 'source', case when is_mail then 'newsletter' else 'google' end,
            'medium', case when is_mail then 'email' else 'cpc' end)
    ) else json_object('library', json_object('name', 'analytics.js', 'version', '4.1.0')) end
"""

_TRACK = f"""
    select * from (
        select
            {
    _envelope(
        "track", "call_no", "device_id(device_no)", "web_users.source_id", "calls.occurred_at", "calls.received_at"
    )
},
            {_CAMPAIGN} as context,
            what as event,
            case
                when what = 'Product List Viewed' then json_object('list_id', lower(list_extract({_CATEGORIES},
                    1 + category_no)), 'category', list_extract({_CATEGORIES}, 1 + category_no))
                when what in ('Product Viewed', 'Product Added') then json_object({_PRODUCT})
                else json_object(
                    'order_id', cast(5400000000000 + 11 * calls.order_no as varchar),
                    'value', units(order_money.total_cents), 'revenue', units(order_money.net_cents),
                    'shipping', units(order_money.shipping_cents), 'tax', units(order_money.tax_cents),
                    'currency', 'EUR', 'products', to_json(order_items.products)
                )
            end as properties
        from arrived_calls as calls
        left join web_users on web_users.person_id = calls."user"
        left join products on products.product_no = calls.product_no
        left join order_money on order_money.order_no = calls.order_no
        left join order_items on order_items.order_no = calls.order_no
        left join campaigns on campaigns.campaign_no = calls.campaign_no
        where what not in ('page', 'screen')
        union all
        select
            {
    _envelope(
        "track mail",
        "mail_no",
        "null",
        "web_users.source_id",
        "mails.occurred_at",
        "mails.occurred_at + interval 1 second",
    )
},
            {_CAMPAIGN},
            what,
            json_object('campaign', campaigns.name, 'campaign_id', crm_id('701', campaigns.campaign_no), 'channel',
                'email')
        from mails
        join web_users using (person_id)
        join campaigns using (campaign_no)
        where is_new(occurred_at + interval 1 second)
        union all
        select
            {
    _envelope(
        "track sign-in",
        "sign_in_no",
        "device_id(device_no)",
        "source_id",
        "signed_in_at",
        "signed_in_at + interval 1 second",
    )
},
            json_object('library', json_object('name', 'analytics.js', 'version', '4.1.0')),
            case when is_first then 'Signed Up' else 'Signed In' end,
            json_object('method', case when email is null then 'phone' else 'email' end)
        from arrived_sign_ins
        where is_new(signed_in_at + interval 1 second)
    )
    order by "timestamp", "messageId"
"""

_PAGE = f"""
    select
        {_call("page")},
        {_CAMPAIGN} as context,
        case when calls.campaign_no >= 0 then 'Landing' else 'Home' end as name,
        list_extract({_CATEGORIES}, 1 + category_no) as category,
        {{
            'url': '{_SITE}/' || lower(list_extract({_CATEGORIES}, 1 + category_no))
                || case when campaigns.campaign_no is not null then '?utm_source=google&utm_medium=cpc&utm_campaign='
                    || replace(campaigns.name, ' ', '+') else '' end,
            'path': '/' || lower(list_extract({_CATEGORIES}, 1 + category_no)),
            'referrer': case when campaigns.campaign_no is not null then 'https://www.google.com/' else '' end,
            'title': list_extract({_CATEGORIES}, 1 + category_no)
        }} as properties
    from arrived_calls as calls
    left join web_users on web_users.person_id = calls."user"
    left join campaigns on campaigns.campaign_no = calls.campaign_no
    where what = 'page'
    order by call_no
"""

_SCREEN = f"""
    select
        {_call("screen")},
        {{'library': {{'name': 'analytics-mobile', 'version': '2.3.0'}}}} as context,
        list_extract({_CATEGORIES}, 1 + category_no) as name,
        {{'category': list_extract({_CATEGORIES}, 1 + category_no)}} as properties
    from arrived_calls as calls
    left join web_users on web_users.person_id = calls."user"
    where what = 'screen'
    order by call_no
"""

_BROKEN_SCREENS = (
    '{"messageId": "m-broken2", "type": "screen", "anonymousId": "x", "timestamp": "later", "name": "Home"}',
)
"""A moment in words."""

_GROUP = f"""
    select
        {
    _envelope(
        "group", "sign_in_no", "device_id(device_no)", "source_id", "signed_in_at", "signed_in_at + interval 1 second"
    )
},
        {{'library': {{'name': 'analytics.js', 'version': '4.1.0'}}}} as context,
        'g' || employers.account_no as "groupId",
        {{
            'name': employers.company_name, 'domain': employers.domain, 'employees': employees,
            'industry': list_extract([{", ".join(f"'{name}'" for name in pools.INDUSTRIES)}], 1 + industry)
        }} as traits
    from arrived_sign_ins
    join employers on employers.account_no = arrived_sign_ins.account_no
    where is_first and is_new(signed_in_at + interval 1 second)
    order by signed_in_at, sign_in_no
"""

_ALIAS = f"""
    select
        {
    _envelope(
        "alias", "sign_in_no", "device_id(device_no)", "source_id", "signed_in_at", "signed_in_at + interval 1 second"
    )
},
        {{'library': {{'name': 'analytics-mobile', 'version': '2.3.0'}}}} as context,
        device_id(device_no) as "previousId"
    from arrived_sign_ins
    join devices using (device_no)
    where is_first and is_phone and is_new(signed_in_at + interval 1 second)
    order by signed_in_at, sign_in_no
"""
