{{ newest_loads("salesforce") }}
