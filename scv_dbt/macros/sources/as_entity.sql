{#- The columns of a canonical entity with their types, in the order of its staging model of no-code files. Unions of
    several sources are written in them. -#}
{% macro entity_columns(entity) -%}
    {{ return({
        "people": {
            "source": "string", "source_id": "string", "given_name": "string", "family_name": "string",
            "full_name": "string", "email": "string", "phone": "string", "birth_date": "date", "gender": "string",
            "job_title": "string", "street": "string", "city": "string", "region": "string", "postcode": "string",
            "country": "string", "language": "string", "user_id": "string", "anonymous_id": "string",
            "national_id": "string", "account_source_id": "string", "custom_fields": "people",
            "created_at": "timestamp", "updated_at": "timestamp", "is_deleted": "boolean", "first_load_id": "string",
        },
        "identifiers": {
            "source": "string", "person_source_id": "string", "identifier_type": "string",
            "identifier_value": "string", "observed_at": "timestamp", "first_load_id": "string",
        },
        "events": {
            "source": "string", "message_id": "string", "event": "string", "person_source_id": "string",
            "user_id": "string", "anonymous_id": "string", "email": "string", "occurred_at": "timestamp",
            "received_at": "timestamp", "channel": "string", "page_url": "string", "category": "string",
            "value": "money", "currency": "string", "campaign": "string", "properties": "string",
            "first_load_id": "string",
        },
        "tickets": {
            "source": "string", "source_id": "string", "person_source_id": "string", "email": "string",
            "subject": "string", "body": "string", "status": "string", "priority": "string", "channel": "string",
            "created_at": "timestamp", "solved_at": "timestamp", "satisfaction": "string", "first_load_id": "string",
        },
        "consents": {
            "source": "string", "person_source_id": "string", "email": "string", "phone": "string",
            "purpose": "string", "channel": "string", "status": "string", "occurred_at": "timestamp",
            "first_load_id": "string",
        },
        "accounts": {
            "source": "string", "source_id": "string", "name": "string", "domain": "string", "industry": "string",
            "employees": "bigint", "parent_source_id": "string", "updated_at": "timestamp", "first_load_id": "string",
        },
        "transactions": {
            "source": "string", "source_id": "string", "order_source": "string", "order_id": "string",
            "transaction_type": "string", "person_source_id": "string", "email": "string", "occurred_at": "timestamp",
            "currency": "string", "gross_amount": "money", "discount_amount": "money", "tax_amount": "money",
            "shipping_amount": "money", "refund_amount": "money", "cost_amount": "money", "status": "string",
            "channel": "string", "store_id": "string", "seller_record_id": "string", "account_source_id": "string",
            "custom_fields": "transactions", "updated_at": "timestamp", "first_load_id": "string",
        },
        "transaction_lines": {
            "source": "string", "source_id": "string", "transaction_source_id": "string", "product_id": "string",
            "sku": "string", "product_name": "string", "category": "string", "brand": "string", "quantity": "money",
            "unit_price": "money", "discount_amount": "money", "list_amount": "money", "amount": "money",
            "unit_cost": "money", "person_source_id": "string", "email": "string", "occurred_at": "timestamp",
            "currency": "string", "order_id": "string", "transaction_type": "string", "status": "string",
            "channel": "string", "first_load_id": "string",
        },
        "products": {
            "source": "string", "product_id": "string", "sku": "string", "name": "string", "category": "string",
            "brand": "string", "price": "money", "cost": "money", "currency": "string", "first_load_id": "string",
            "load_id": "string",
        },
    }[entity]) }}
{%- endmacro %}


{#- The select items of an entity: the given expressions, the columns that are carried as they are, and null for
    every other. `from_relation` carries every column that has no expression. -#}
{% macro as_entity(entity, expressions, carried=(), from_relation=none) -%}
    {%- set columns = entity_columns(entity) -%}
    {%- for column in expressions.keys() | list + carried | list if column not in columns -%}
        {%- do exceptions.raise_compiler_error(entity ~ " has no column " ~ column) -%}
    {%- endfor -%}
    {%- set items = [] -%}
    {%- for column, type in columns.items() -%}
        {%- if column in expressions -%}
            {%- do items.append(expressions[column] ~ " as " ~ column) -%}
        {%- elif column == "custom_fields" -%}
            {%- for field in custom_fields(type) -%}
                {%- set nothing = custom_field_null(field.type) ~ " as " ~ field.name -%}
                {%- do items.append(from_relation ~ "." ~ field.name if from_relation else nothing) -%}
            {%- endfor -%}
        {%- elif from_relation -%}
            {%- do items.append(from_relation ~ "." ~ column) -%}
        {%- elif column in carried -%}
            {%- do items.append(column) -%}
        {%- elif type == "money" -%}
            {%- do items.append(to_money("null") ~ " as " ~ column) -%}
        {%- else -%}
            {%- do items.append("cast(null as " ~ type ~ ") as " ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ items | join(",
        ") }}
{%- endmacro %}
