//! The values of columns and of a statement's `?`s, and how keyward's types are stored.

use crate::domain::audit::ChainHash;
use crate::domain::secret::SecretHash;
use crate::domain::{KeyId, KeySeq, Timestamp, WorkspaceId};

/// The value of a column, or of a `?` in a statement. A text is bytes, because anyone who can write to the store may
/// have put other bytes than UTF-8 there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'v> {
    Null,
    Integer(i64),
    Text(&'v [u8]),
    Bytes(&'v [u8]),
    /// What no column of keyward's holds.
    Other,
}

/// The values of a statement, from whatever keyward's types they are of.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::value::Value::from($value)),*]
    };
}
pub(super) use values;

/// A type that a column can be of.
pub(super) trait Column: Sized {
    /// The value as this type, if it is one.
    fn of(value: Value<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(integer) => Some(integer),
            _ => None,
        }
    }
}

impl Column for [u8; 32] {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl Column for String {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

/// Types that wrap a column's value.
macro_rules! columns {
    ($($type:ty => $make:expr),* $(,)?) => {
        $(impl Column for $type {
            fn of(value: Value<'_>) -> Option<Self> {
                Column::of(value).map($make)
            }
        })*
    };
}

columns! {
    bool => |value: i64| value != 0,
    ChainHash => Self::from_bytes,
    KeyId => Self::from_stored,
    KeySeq => Self,
    SecretHash => Self::from_bytes,
    Timestamp => Self::from_millis,
    WorkspaceId => Self,
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(value: &'v str) -> Self {
        Self::Text(value.as_bytes())
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(value: &'v String) -> Self {
        Self::Text(value.as_bytes())
    }
}

impl<'v> From<&'v [u8; 32]> for Value<'v> {
    fn from(value: &'v [u8; 32]) -> Self {
        Self::Bytes(value)
    }
}

impl<'v> From<&'v KeyId> for Value<'v> {
    fn from(value: &'v KeyId) -> Self {
        value.as_str().into()
    }
}

impl<'v> From<&'v SecretHash> for Value<'v> {
    fn from(value: &'v SecretHash) -> Self {
        value.as_bytes().into()
    }
}

impl<'v> From<&'v ChainHash> for Value<'v> {
    fn from(value: &'v ChainHash) -> Self {
        value.as_bytes().into()
    }
}

impl From<KeySeq> for Value<'_> {
    fn from(value: KeySeq) -> Self {
        Self::Integer(value.0)
    }
}

impl From<WorkspaceId> for Value<'_> {
    fn from(value: WorkspaceId) -> Self {
        Self::Integer(value.0)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Integer(value.as_millis())
    }
}

impl<'v, T> From<Option<T>> for Value<'v>
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}
