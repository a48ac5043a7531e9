//! The person who runs keyward, by the account database: anybody can set `USER`.

use super::environment::variable;

/// The account's name; under sudo, the name of the user who called it.
pub(super) fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let sudo = variable("SUDO_UID").and_then(|uid| uid.to_str()?.parse().ok()).filter(|_| uid == 0);
    match sudo {
        None => name(uid),
        Some(sudo) => format!("{} (sudo by {})", name(uid), name(sudo)),
    }
}

/// The name of the account that keyward runs as.
pub(super) fn name_of_user() -> Option<String> {
    field(rustix::process::getuid().as_raw(), 0)
}

/// The primary group of an account, if it is in the account database.
pub(super) fn group_of(uid: u32) -> Option<u32> {
    field(uid, 3)?.parse().ok()
}

/// The name of an account.
pub(super) fn name(uid: u32) -> String {
    field(uid, 0).unwrap_or_else(|| format!("uid {uid}"))
}

/// A field of an account's line (passwd(5)).
fn field(uid: u32, at: usize) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = accounts.lines().map(|line| line.split(':'));
    let mut own =
        fields.find(|own| own.clone().nth(2).and_then(|field| field.parse().ok()) == Some(uid))?;
    own.nth(at).map(str::to_owned)
}
