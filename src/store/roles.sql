-- Run this with psql as the owner of the schema, once the store has been created. Then grant the roles to those who log in:
--   GRANT keyward_admin TO alice;  GRANT keyward_verifier TO api;

CREATE ROLE keyward_admin NOLOGIN;
CREATE ROLE keyward_verifier NOLOGIN;

REVOKE ALL ON SCHEMA keyward FROM PUBLIC;
GRANT USAGE ON SCHEMA keyward TO keyward_admin, keyward_verifier;
GRANT SELECT ON ALL TABLES IN SCHEMA keyward TO keyward_admin, keyward_verifier;

-- The admin role changes records. It adds to the audit trail and to the hashes of ended keys, and takes nothing away.
GRANT INSERT, UPDATE, DELETE ON keyward.workspace, keyward.key, keyward.clock, keyward.meter, keyward.usage, keyward.refusal,
    keyward.allowance, keyward.revision, keyward.setting, keyward.claim, keyward.idempotency TO keyward_admin;
GRANT INSERT ON keyward.audit, keyward.ended, keyward.token_format TO keyward_admin;
GRANT UPDATE ON keyward.head TO keyward_admin;

-- The verifier role reads, and writes what is counted.
GRANT INSERT, UPDATE ON keyward.meter, keyward.usage, keyward.refusal, keyward.allowance TO keyward_verifier;
