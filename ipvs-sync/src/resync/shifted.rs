//! Which connections may have shifted sequence numbers.

use crate::proto::Connection;
use std::fs;

/// The ports at which the kernel's helper for FTP changes what is sent, and with its length the
/// sequence numbers behind it. How far only the kernel's own sync messages say, and a message
/// that does not takes it for not at all (`ip_vs_sync.c: ip_vs_proc_conn`,
/// `IP_VS_CONN_F_BACKUP_UPD_MASK`).
pub(super) struct Shifted(Vec<u16>);

/// Where the module shows its parameter. Without the module nothing is shifted here, whatever
/// is known.
const PORTS: &str = "/sys/module/ip_vs_ftp/parameters/ports";

const TCP: u8 = 6;

impl Shifted {
    /// Those of this host.
    pub(super) fn here() -> Self {
        Self::read(&fs::read_to_string(PORTS).unwrap_or_default())
    }

    fn read(ports: &str) -> Self {
        Self(ports.trim_ascii().split(',').filter_map(|port| port.parse().ok()).collect())
    }

    pub(super) fn may_be(&self, connection: &Connection<'_>) -> bool {
        let Connection { protocol, service, .. } = connection;
        *protocol == TCP && !connection.is_template() && self.0.contains(&service.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Flags;

    #[test]
    fn they_may_be_at_the_ports_of_the_module() {
        let to = |service: &str| {
            let any = "10.0.0.2:21".parse().unwrap();
            Connection::new(TCP, any, service.parse().unwrap(), any)
        };
        let shifted = Shifted::read("21,2121\n");
        assert!(shifted.may_be(&to("10.0.0.1:21")) && shifted.may_be(&to("[fd00::1]:2121")));
        assert!(!shifted.may_be(&to("10.0.0.1:80")));
        assert!(!shifted.may_be(&Connection { protocol: 17, ..to("10.0.0.1:21") }));
        assert!(!shifted.may_be(&Connection { flags: Flags::TEMPLATE, ..to("10.0.0.1:21") }));
        assert!(!Shifted::read("").may_be(&to("10.0.0.1:21")));
    }
}
