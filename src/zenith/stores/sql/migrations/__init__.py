"""Changes of the schema, in order. `zenith.stores.sql.upgrade` applies them."""
