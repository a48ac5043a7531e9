-- What a server is, what this role may do, and the outlines of the schema: what costs little enough to be looked at each time.
WITH own AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'keyward'),
    rel AS MATERIALIZED (SELECT * FROM pg_catalog.pg_class WHERE relnamespace = (SELECT oid FROM own))
SELECT pg_is_in_recovery()::int, current_setting('server_encoding'), current_setting('synchronous_commit'),
    (SELECT obj_description(oid, 'pg_namespace') FROM own),
    (SELECT has_schema_privilege(oid, 'USAGE')::int FROM own),
    (SELECT has_table_privilege(oid, 'UPDATE')::int FROM rel WHERE relname = 'head'),
    (SELECT has_table_privilege(oid, 'INSERT')::int FROM rel WHERE relname = 'usage'),
    (SELECT string_agg(CASE relkind WHEN 'r' THEN 'table ' WHEN 'i' THEN 'index ' WHEN 'S' THEN 'sequence ' ELSE 'other ' END || relname
        || CASE relkind WHEN 'r' THEN ' ' || relnatts::text ELSE '' END
        || CASE WHEN relhasrules OR relrowsecurity OR relhassubclass THEN ' !' ELSE '' END, E'\n' ORDER BY relname COLLATE "C") FROM rel),
    (SELECT count(*) FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM rel))
