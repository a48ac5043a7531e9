//! Notifies a service manager (systemd's `sd_notify(3)`) that keyward is ready and that it ends.
//!
//! This module never fails: a service that cannot say so still serves.

use std::ffi::OsStr;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Tells the service manager at this address.
pub fn tell(address: Option<&OsStr>, state: &str) {
    let Some(address) = address.and_then(meant) else {
        return;
    };
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

/// A path, or a name that is not in the file system and begins with `@`.
fn meant(address: &OsStr) -> Option<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let [b'@', name @ ..] = address.as_encoded_bytes() {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name).ok();
    }
    SocketAddr::from_pathname(address).ok()
}
