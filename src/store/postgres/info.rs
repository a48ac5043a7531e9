//! What `store info` says of a store on a server.

use super::session::Session;
use super::{Database, migrations};
use crate::error::{Error, Kind, Result};
use crate::store::value::{Column, Value};
use crate::store::{Info, ServerInfo};

impl Database {
    /// The facts that are the server's.
    pub(in crate::store) fn info(&mut self) -> Result<Info> {
        let server = self.server.clone();
        let places =
            server.addresses.iter().map(|address| format!("{}:{}", address.host, address.port));
        let places = places.collect::<Vec<_>>().join(",");
        self.read(|session: Session<'_>| {
            let sql = "SELECT current_setting('server_version'), current_database()::text, current_user::text,
                current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
                (SELECT sum(pg_total_relation_size(oid))::int8 FROM pg_class WHERE relkind = 'r'
                    AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ?1))";
            let schema = server.schema.as_str();
            let found = session.first(sql, &[Value::from(schema)], |row| {
                let text = |column| -> Result<String> {
                    let text = String::of(super::value(row, column)?);
                    text.ok_or_else(|| Error::new(Kind::Internal, "the server says nothing"))
                };
                let size = i64::of(super::value(row, 5)?).unwrap_or_default();
                let info = ServerInfo {
                    version: text(0)?,
                    server: places.clone(),
                    database: text(1)?,
                    role: text(2)?,
                    schema: schema.to_owned(),
                    synchronous_commit: text(3)?,
                    synchronous_standbys: text(4)?,
                };
                Ok(Some(Info {
                    schema: migrations::NEWEST as i64,
                    size_bytes: size.unsigned_abs(),
                    server: Some(info),
                    ..Info::default()
                }))
            })?;
            found.ok_or_else(|| Error::new(Kind::Internal, "the server says nothing"))
        })
    }
}
