//! What a role needs to administer a store on a server, and what one needs to verify with it, as statements for psql.

/// The schema that a store on a server is in unless its URI says otherwise.
pub(super) const SCHEMA: &str = "keyward";

/// The statements for a store in this schema.
pub(super) fn roles(schema: &str) -> String {
    let text = include_str!("roles.sql");
    match schema {
        SCHEMA => text.to_owned(),
        other => text
            .replace("keyward_", &format!("{other}_"))
            .replace("keyward.", &format!("{other}."))
            .replace("SCHEMA keyward", &format!("SCHEMA {other}")),
    }
}
