{#- The letters and digits of a postcode, in upper case; of a country whose postcodes have one form, in that form: without
    the letters of the country before it, with the zeros that a spreadsheet dropped, and the five digits of a ZIP. -#}
{% macro postcode_normalised(expression, country) -%}
    {%- set signs = "nullif(" ~ regexp_replace_all(upper_case(expression), "[^\\p{L}\\p{N}]+", "") ~ ", '')" -%}
    case
        {% for length, countries in {
            4: ["AT", "AU", "BE", "BG", "CH", "DK", "HU", "LI", "LU", "NO", "NZ", "PH", "SI", "ZA"],
            5: [
                "CZ", "DE", "EE", "EG", "ES", "FI", "FR", "GR", "HR", "ID", "IT", "KR", "MA", "MX", "MY", "PL", "RS", "SA", "SE", "SK",
                "TH", "TR", "UA"
            ],
            6: ["BY", "CN", "CO", "IN", "KZ", "RO", "RU", "SG", "VN"],
            7: ["CL", "IL", "JP", "PT"],
            8: ["BR"],
        }.items() -%}
        when {{ country }} in {{ texts(countries) }}
            then coalesce(lpad({{ regexp_capture(signs, "^[A-Z]{0,3}([0-9]{" ~ (length - 1) ~ "," ~ length ~ "})$") }}, {{ length }}, '0'), {{ signs }})
        {% endfor -%}
        when {{ country }} = 'US'
            then coalesce(
                {{ regexp_capture(signs, "^([0-9]{5})(?:[0-9]{4})?$") }}, lpad({{ regexp_capture(signs, "^([0-9]{4})$") }}, 5, '0'), {{ signs }}
            )
        when {{ country }} = 'AR'
            then coalesce({{ regexp_capture(signs, "^[A-Z]?([0-9]{4})(?:[A-Z]{3})?$") }}, {{ signs }})
        when {{ country }} = 'NL'
            then coalesce({{ regexp_capture(signs, "^(?:NL)?([0-9]{4}[A-Z]{2})$") }}, {{ signs }})
        else {{ signs }}
    end
{%- endmacro %}
