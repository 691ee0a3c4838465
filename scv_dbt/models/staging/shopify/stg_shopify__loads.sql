{{ newest_loads("shopify") }}
