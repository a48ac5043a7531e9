//! Groups of one: Debian and Red Hat give each user a group of their own, and a umask that lets it write.
//!
//! This module never uses the system's name service (NSS), which would load code. It reads members from /etc/passwd and
//! /etc/group, and not from a directory service.

/// Whether this group is the owner's private one: nobody else is in it, and it has the owner's name or number.
pub(super) fn is_private(owner: u32, group: u32) -> bool {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    is_private_by(owner, group, &read("/etc/passwd"), &read("/etc/group"))
}

/// The same by the content of passwd(5) and group(5).
fn is_private_by(owner: u32, group: u32, passwd: &str, groups: &str) -> bool {
    // The name, the number and the primary group of each account.
    let accounts = passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        Some((
            *fields.first()?,
            fields.get(2)?.parse::<u32>().ok()?,
            fields.get(3)?.parse::<u32>().ok()?,
        ))
    });
    let accounts: Vec<_> = accounts.collect();
    let is_owner =
        |name: &str| accounts.iter().any(|(own, number, _)| *own == name && *number == owner);
    if accounts.iter().any(|(_, number, primary)| *primary == group && *number != owner) {
        return false;
    }
    let mut has_name = false;
    for line in groups.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if fields.get(2).and_then(|number| number.parse().ok()) != Some(group) {
            continue;
        }
        let members = fields.get(3).copied().unwrap_or_default();
        let mut members = members.split(',').map(str::trim).filter(|name| !name.is_empty());
        if !members.all(is_owner) {
            return false;
        }
        has_name |= is_owner(fields.first().copied().unwrap_or_default());
    }
    has_name || group == owner
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        ann:x:1000:1000::/home/ann:/bin/sh\n\
        ben:x:1001:1001::/home/ben:/bin/sh\n\
        cat:x:1002:100::/home/cat:/bin/sh\n\
        broken\n";

    fn is_private(owner: u32, group: u32, groups: &str) -> bool {
        is_private_by(owner, group, PASSWD, groups)
    }

    #[test]
    fn a_group_without_other_members_that_has_the_owners_name_or_number_is_private() {
        assert!(is_private(1000, 1000, "ann:x:1000:\nben:x:1001:\n"));
        assert!(is_private(1000, 1000, "ann:x:1000:ann\n"));
        assert!(is_private(1000, 555, "ann:x:555:\n"));
        assert!(is_private(1500, 1500, ""), "an account that is nowhere");
        assert!(is_private(1000, 1000, "people:x:1000:\n"));
    }

    #[test]
    fn a_group_with_another_member_or_another_name_and_number_is_not() {
        for groups in ["ann:x:1000:ben\n", "ann:x:1000:ann,ben", "ann:x:1000:\nx:x:1000:ben\n"] {
            assert!(!is_private(1000, 1000, groups), "{groups}");
        }
        assert!(!is_private(1000, 1000, "ann:x:1000:ann,somebody\n"), "of a directory");
        assert!(!is_private(1000, 555, "people:x:555:ann\n"));
        assert!(!is_private(1000, 1001, "ben:x:1001:\n"), "ben's own");
        assert!(!is_private(1000, 100, "users:x:100:\n"), "cat's primary group");
        assert!(!is_private(1000, 100, "ann:x:100:\n"), "cat's primary group");
        assert!(!is_private(1500, 1000, ""));
    }
}
