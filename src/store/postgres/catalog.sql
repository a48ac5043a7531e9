-- What stands in the schema, a line each, and what has been attached to its tables from elsewhere.
SELECT (SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
        SELECT CASE rel.relkind WHEN 'r' THEN 'table ' WHEN 'i' THEN 'index ' WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view '
                ELSE 'relation ' END || rel.relname || CASE WHEN rel.relrowsecurity THEN ' with row security' ELSE '' END AS line
            FROM pg_class AS rel WHERE rel.relnamespace = own.oid
        UNION ALL
        SELECT 'column ' || rel.relname || '.' || att.attname || ' ' || format_type(att.atttypid, att.atttypmod)
                || CASE WHEN att.attnotnull THEN ' not null' ELSE '' END || ' ' || att.attidentity::text || att.attgenerated::text
                || COALESCE(' collate ' || nullif(col.collname, 'default'), '') || COALESCE(' default ' || pg_get_expr(def.adbin, def.adrelid), '')
            FROM pg_class AS rel JOIN pg_attribute AS att ON att.attrelid = rel.oid AND att.attnum > 0 AND NOT att.attisdropped
            LEFT JOIN pg_collation AS col ON col.oid = att.attcollation
            LEFT JOIN pg_attrdef AS def ON def.adrelid = rel.oid AND def.adnum = att.attnum
            WHERE rel.relnamespace = own.oid AND rel.relkind = 'r'
        UNION ALL
        SELECT 'index ' || rel.relname || ' on ' || tab.relname || ' (' || ind.indkey::text || ')'
                || CASE WHEN ind.indisunique THEN ' unique' ELSE '' END || CASE WHEN ind.indisvalid THEN '' ELSE ' invalid' END
                || COALESCE(' where ' || pg_get_expr(ind.indpred, ind.indrelid), '')
                || COALESCE(' of ' || pg_get_expr(ind.indexprs, ind.indrelid), '')
            FROM pg_index AS ind JOIN pg_class AS rel ON rel.oid = ind.indexrelid JOIN pg_class AS tab ON tab.oid = ind.indrelid
            WHERE tab.relnamespace = own.oid
        UNION ALL
        SELECT 'constraint ' || con.conname || ' ' || con.contype::text || CASE WHEN con.convalidated THEN '' ELSE ' not valid' END
            FROM pg_constraint AS con WHERE con.connamespace = own.oid AND con.contype <> 'n'
        UNION ALL
        SELECT 'trigger ' || trg.tgname || ' on ' || rel.relname FROM pg_trigger AS trg JOIN pg_class AS rel ON rel.oid = trg.tgrelid
            WHERE rel.relnamespace = own.oid AND (NOT trg.tgisinternal OR trg.tgenabled <> 'O')
        UNION ALL
        SELECT 'rule ' || rul.rulename || ' on ' || rel.relname FROM pg_rewrite AS rul JOIN pg_class AS rel ON rel.oid = rul.ev_class
            WHERE rel.relnamespace = own.oid AND rel.relkind <> 'v'
        UNION ALL
        SELECT 'policy ' || pol.polname || ' on ' || rel.relname FROM pg_policy AS pol JOIN pg_class AS rel ON rel.oid = pol.polrelid
            WHERE rel.relnamespace = own.oid
        UNION ALL
        SELECT 'heir of ' || rel.relname FROM pg_inherits AS inh JOIN pg_class AS rel ON rel.oid = inh.inhparent WHERE rel.relnamespace = own.oid
        UNION ALL
        SELECT 'function ' || pro.proname FROM pg_proc AS pro WHERE pro.pronamespace = own.oid
        UNION ALL
        SELECT 'operator ' || opr.oprname FROM pg_operator AS opr WHERE opr.oprnamespace = own.oid
        UNION ALL
        SELECT 'type ' || typ.typname FROM pg_type AS typ WHERE typ.typnamespace = own.oid AND typ.typtype NOT IN ('c', 'b')
    ) AS lines)
FROM pg_namespace AS own WHERE own.nspname = 'keyward'
