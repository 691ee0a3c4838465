"""Who is who: what Python adds to the identity models of the dbt project."""
