//! What SQLite's failures mean to users.

use rusqlite::{ErrorCode, ffi};

use crate::error::{Error, Kind};
use crate::store::damage::damaged;

/// Turns a failure of SQLite into keyward's words, exit status included.
pub(super) fn failure(error: rusqlite::Error) -> Error {
    let Some(code) = error.sqlite_error_code() else {
        // What is left are rows that do not hold what their columns promise.
        return match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => damaged(format!("a row cannot be read: {error}")),
            _ => Error::new(Kind::Internal, "internal database error").because(error),
        };
    };
    let text = match &error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        _ => format!("{code:?}"),
    };
    let extended = match &error {
        rusqlite::Error::SqliteFailure(error, _) => error.extended_code,
        _ => 0,
    };
    match code {
        ErrorCode::SystemIoFailure if LOCKS.contains(&extended) => without_locks(),
        ErrorCode::SystemIoFailure if SHARED_MEMORY.contains(&extended) => Error::new(
            Kind::Io,
            "the log's index cannot be made: the store's file system has no shared memory (mmap), or is full",
        )
        .hinted(LOCAL_DISK),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Error::new(Kind::Busy, "the store was locked by another process")
                .hinted("pass --wait 60s to wait longer")
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(text),
        // What keyward writes breaks no constraint, so an existing row does.
        ErrorCode::ConstraintViolation => damaged(text),
        ErrorCode::Unknown if text.contains("unsupported file format") => damaged(text),
        ErrorCode::DiskFull => Error::new(Kind::Io, "the disk is full; the store is as it was"),
        ErrorCode::ReadOnly => Error::new(Kind::Io, format!("the store cannot be written: {text}")),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::NoLargeFileSupport => Error::new(
            Kind::Io,
            format!("the store cannot be read or written: {text}"),
        ),
        _ => Error::new(
            Kind::Internal,
            format!("database error: {text}"),
        ),
    }
}

/// SQLite's error for a file system that refuses a lock.
const LOCKS: [i32; 5] = [
    ffi::SQLITE_IOERR_LOCK,
    ffi::SQLITE_IOERR_UNLOCK,
    ffi::SQLITE_IOERR_RDLOCK,
    ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
    ffi::SQLITE_IOERR_SHMLOCK,
];

/// Its error for a file system on which processes cannot share the index of the log.
const SHARED_MEMORY: [i32; 4] = [
    ffi::SQLITE_IOERR_SHMOPEN,
    ffi::SQLITE_IOERR_SHMSIZE,
    ffi::SQLITE_IOERR_SHMMAP,
    ffi::SQLITE_IOERR_MMAP,
];

const LOCAL_DISK: &str = "keep the store on a local disk with --store";

/// The error of a store on a file system without locks.
pub(super) fn without_locks() -> Error {
    Error::new(Kind::Io, "the store's file system has no file locks").hinted(LOCAL_DISK)
}
