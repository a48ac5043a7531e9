//! The name of the person who runs keyward.

use super::environment::variable;

/// The account's name. It is read from the account database, not from `USER`, which anybody can set.
pub(super) fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let sudo = variable("SUDO_UID")
        .and_then(|uid| uid.to_str()?.parse().ok())
        .filter(|_| uid == 0);
    match sudo {
        None => account(uid),
        Some(sudo) => format!("{} (sudo by {})", account(uid), account(sudo)),
    }
}

/// The primary group of an account, if it is in the account database.
pub(super) fn group_of(uid: u32) -> Option<u32> {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        (fields.next()?.parse() == Ok(uid)).then(|| fields.next()?.parse().ok())?
    })
}

fn account(uid: u32) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("uid {uid}"))
}
