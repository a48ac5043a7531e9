-- In which form another system kept the hash of a key's secret; null for a key that keyward minted.
--
--   * `hash` stays 32 bytes and unique, whatever the form: of a SHA-512 it has the SHA-256. So a look-up is the same for each form,
--     and a hash that was found is the key's only if the form is too.
--   * The index is of other systems' keys alone. It says which forms there are, so a store without any hashes nothing twice.

ALTER TABLE key ADD COLUMN form TEXT;

CREATE INDEX key_form ON key (form) WHERE form IS NOT NULL;
