//! What comes from a server: the values in a row.

use std::error::Error as StdError;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::error::Result;
use crate::store::damage::damaged;
use crate::store::value::Value;

/// What stands in a column of a row.
pub(in crate::store) fn value(row: &Row, column: usize) -> Result<Value<'_>> {
    let found = row.try_get::<_, Found<'_>>(column);
    found.map(|found| found.0).map_err(|error| damaged(format!("a row cannot be read: {error}")))
}

struct Found<'r>(Value<'r>);

impl<'r> FromSql<'r> for Found<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT8 => Value::Integer(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Value::Integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::BOOL => Value::Integer(i64::from(raw != [0])),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => Value::Text(raw),
            Type::BYTEA => Value::Bytes(raw),
            _ => Value::Other,
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
