//! What a role needs to administer a store, and what one needs to verify with it, as statements for psql.

use super::schema::in_schema;
use super::server::Server;

impl Server {
    /// The statements.
    pub fn roles(&self) -> String {
        let schema = &self.schema;
        in_schema(include_str!("roles.sql"), schema)
            .replace("keyward_", &format!("{schema}_"))
            .replace("SCHEMA keyward", &format!("SCHEMA {schema}"))
    }
}
