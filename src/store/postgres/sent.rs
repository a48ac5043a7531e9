//! What is sent to a server: statements, and values apart from their text; and what comes from it: the values in a row.
//!
//! This module never puts a value into a statement's text.

use std::error::Error as StdError;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error as Failure, Row, RowStream};

use super::connection::Answer;
use crate::error::Result;
use crate::store::damage::damaged;
use crate::store::value::Value;

/// A value on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

/// A statement and its values.
#[derive(Clone, PartialEq)]
pub(super) struct Queued {
    pub sql: String,
    pub values: Vec<Sent>,
}

impl ToSql for Sent {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(integer) => out.extend_from_slice(&integer.to_be_bytes()),
            Self::Text(bytes) | Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Sent {
    pub(super) fn of(text: String) -> Self {
        Self::Text(text.into_bytes())
    }

    /// Of which type it is; that of nothing is for the server to find out.
    fn kind(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::Integer(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

/// Sends a query, and gives its rows as they come.
pub(super) async fn query(client: &Client, query: &Queued) -> Result<RowStream, Failure> {
    let values: Vec<_> = query.values.iter().map(|value| (value, value.kind())).collect();
    client.query_typed_raw(&query.sql, values).await
}

pub(super) fn sent(values: &[Value<'_>]) -> Vec<Sent> {
    let of = |value: &Value<'_>| match *value {
        Value::Null | Value::Other => Sent::Null,
        Value::Integer(integer) => Sent::Integer(integer),
        Value::Text(bytes) => Sent::Text(bytes.to_vec()),
        Value::Bytes(bytes) => Sent::Bytes(bytes.to_vec()),
    };
    values.iter().map(of).collect()
}

/// A statement's text with its places as this server numbers them. No statement has a question mark for anything else.
pub(super) fn placed(sql: &str) -> String {
    sql.replace('?', "$")
}

/// What has waited, ready to be sent.
pub(super) fn executed<'f>(client: &'f Client, queued: &'f [Queued]) -> Vec<Answer<'f, u64>> {
    let execute = |queued: &'f Queued| -> Answer<'f, u64> { Box::pin(execute(client, queued)) };
    queued.iter().map(execute).collect()
}

async fn execute(client: &Client, queued: &Queued) -> Result<u64, Failure> {
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        queued.values.iter().map(|value| (value as _, value.kind())).collect();
    client.execute_typed(&queued.sql, &values).await
}

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
