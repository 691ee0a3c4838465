"""Files without code: any parquet, csv or json lines file as rows of the canonical entities, by configuration."""
