//! The sysctls by name (`ip_vs_ctl.c: vs_vars`).

use super::{Defence, SyncThreshold, Sysctl};
use crate::rule::MAX_TIMEOUT;

/// Switches.
impl Sysctl<bool> {
    /// `conntrack`: connections of IPVS are known to netfilter's connection
    /// tracking. Off by default; in kernels with CONFIG_IP_VS_NFCT.
    pub const CONNTRACK: Self =
        Self { kernels: "those with CONFIG_IP_VS_NFCT", ..Self::switch("conntrack", false) };
    /// `snat_reroute`: packets from real servers are routed again, as if they
    /// came from the balancer. On by default.
    pub const SNAT_REROUTE: Self = Self::switch("snat_reroute", true);
    /// `sync_persist_mode`: the sync master sends templates, and of connections
    /// those without one. Off by default.
    pub const SYNC_PERSIST_MODE: Self = Self::switch("sync_persist_mode", false);
    /// `cache_bypass`: packets of a service by firewall mark that has no
    /// destination go where they were sent, unless that is here. Off by default.
    pub const CACHE_BYPASS: Self = Self::switch("cache_bypass", false);
    /// `expire_nodest_conn`: connections whose destination was deleted end at
    /// their next packet, rather than that it is dropped. Off by default.
    pub const EXPIRE_NODEST_CONN: Self = Self::switch("expire_nodest_conn", false);
    /// `sloppy_tcp`: a connection may begin with any TCP segment but a reset.
    /// Off by default.
    pub const SLOPPY_TCP: Self = Self::switch("sloppy_tcp", false);
    /// `sloppy_sctp`: a connection may begin with any SCTP packet. Off by
    /// default.
    pub const SLOPPY_SCTP: Self = Self::switch("sloppy_sctp", false);
    /// `expire_quiescent_template`: persistence ends when the weight of the
    /// destination is 0. Off by default.
    pub const EXPIRE_QUIESCENT_TEMPLATE: Self = Self::switch("expire_quiescent_template", false);
    /// `nat_icmp_send`: with masquerading, the balancer answers by ICMP to
    /// packets from real servers that belong to no connection. Off by default.
    pub const NAT_ICMP_SEND: Self = Self::switch("nat_icmp_send", false);
    /// `pmtu_disc`: path MTU discovery for tunnels. On by default.
    pub const PMTU_DISC: Self = Self::switch("pmtu_disc", true);
    /// `backup_only`: while a backup sync daemon runs, nothing is scheduled
    /// here. Off by default.
    pub const BACKUP_ONLY: Self = Self::switch("backup_only", false);
    /// `schedule_icmp`: ICMP errors are scheduled as the packets in them. Off
    /// by default.
    pub const SCHEDULE_ICMP: Self = Self::switch("schedule_icmp", false);
    /// `ignore_tunneled`: packets that came by a tunnel are not balanced. Off by
    /// default.
    pub const IGNORE_TUNNELED: Self = Self::switch("ignore_tunneled", false);
    /// `run_estimation`: counters and rates are refreshed. On by default; from
    /// Linux 5.15 or so on.
    pub const RUN_ESTIMATION: Self =
        Self { kernels: "those from Linux 5.15 or so on", ..Self::switch("run_estimation", true) };

    const fn switch(name: &'static str, default: bool) -> Self {
        Self { name, default: Some(default), takes: "0 or 1", check: |_| true, kernels: ALL }
    }
}

/// Defences.
impl Sysctl<Defence> {
    /// `drop_entry`: connections are ended at random. Off by default.
    pub const DROP_ENTRY: Self = Self::defence("drop_entry");
    /// `drop_packet`: one packet in so many is dropped. Off by default.
    pub const DROP_PACKET: Self = Self::defence("drop_packet");
    /// `secure_tcp`: TCP has states with shorter timeouts. Off by default.
    pub const SECURE_TCP: Self = Self::defence("secure_tcp");

    const fn defence(name: &'static str) -> Self {
        Self { name, default: Some(Defence::Off), takes: "0 to 3", check: |_| true, kernels: ALL }
    }
}

/// Numbers.
impl Sysctl<u32> {
    /// `amemthresh`: memory runs low when fewer pages are free. 1024 by default.
    pub const AMEMTHRESH: Self = Self::number("amemthresh", 1024);
    /// `am_droprate`: of so many packets one is dropped when `drop_packet` is
    /// 3. 10 by default.
    pub const AM_DROPRATE: Self = Self::number("am_droprate", 10);
    /// `sync_version`: the format of sync messages, 0 or 1. 1 by default.
    pub const SYNC_VERSION: Self =
        Self { takes: "0 or 1", check: |value| *value <= 1, ..Self::number("sync_version", 1) };
    /// `sync_ports`: how many UDP ports and threads a sync daemon has when it
    /// starts: a power of two, of which the kernel uses at most 64. 1 by
    /// default.
    pub const SYNC_PORTS: Self = Self {
        takes: "a power of two",
        check: |value| value.is_power_of_two() && *value <= MAX,
        ..Self::number("sync_ports", 1)
    };
    /// `sync_sock_size`: the socket buffer of a sync daemon in bytes, 0 for the
    /// system's. 0 by default.
    pub const SYNC_SOCK_SIZE: Self = Self::number("sync_sock_size", 0);
    /// `sync_refresh_period`: how much a connection's timer must differ from
    /// what was last sent of it, in seconds, to be sent again. 0 by default:
    /// only `sync_threshold` counts.
    pub const SYNC_REFRESH_PERIOD: Self = Self::seconds("sync_refresh_period", 0);
    /// `sync_retries`: how often it is sent again, each an eighth of
    /// `sync_refresh_period` later, 0 to 3. 0 by default.
    pub const SYNC_RETRIES: Self =
        Self { takes: "0 to 3", check: |value| *value <= 3, ..Self::number("sync_retries", 0) };
    /// `conn_reuse_mode`: how a connection whose client uses a port anew is
    /// treated: 0 not at all, 1 scheduled anew, 2 also while it is in
    /// FIN_WAIT, as bits. 1 by default.
    pub const CONN_REUSE_MODE: Self = Self::number("conn_reuse_mode", 1);
    /// `conn_max`: how many connections there can be. 2^30 by default, 2^24 on
    /// 32 bits; from about Linux 7.1 on.
    pub const CONN_MAX: Self =
        Self { default: None, kernels: RECENT, ..Self::number("conn_max", 0) };
    /// `lblc_expiration`: how long the scheduler `lblc` remembers an address
    /// that is not used, in seconds. 86400 by default; where it is loaded.
    pub const LBLC_EXPIRATION: Self = Self {
        kernels: "those with the module ip_vs_lblc loaded",
        ..Self::seconds("lblc_expiration", 86_400)
    };
    /// `lblcr_expiration`: the same for the scheduler `lblcr`.
    pub const LBLCR_EXPIRATION: Self = Self {
        kernels: "those with the module ip_vs_lblcr loaded",
        ..Self::seconds("lblcr_expiration", 86_400)
    };
    /// `debug_level`: how much the kernel logs, in all namespaces. 0 by default;
    /// in kernels with CONFIG_IP_VS_DEBUG.
    pub const DEBUG_LEVEL: Self =
        Self { kernels: "those with CONFIG_IP_VS_DEBUG", ..Self::number("debug_level", 0) };

    const fn number(name: &'static str, default: u32) -> Self {
        Self {
            name,
            default: Some(default),
            takes: "0 to 2147483647",
            check: |value| *value <= MAX,
            kernels: ALL,
        }
    }

    /// The kernel keeps clock ticks; how many seconds fit depends on how many
    /// it has, and this is the most that any has room for.
    const fn seconds(name: &'static str, default: u32) -> Self {
        Self {
            takes: "0 to 21474836 seconds",
            check: |value| *value <= MAX_TIMEOUT,
            ..Self::number(name, default)
        }
    }
}

/// Long numbers.
impl Sysctl<u64> {
    /// `sync_qlen_max`: how many messages wait for a sync master's thread. By
    /// default one for 32 free pages, counted when the namespace is made.
    pub const SYNC_QLEN_MAX: Self = Self {
        name: "sync_qlen_max",
        default: None,
        takes: "0 to 18446744073709551615",
        check: |_| true,
        kernels: ALL,
    };
}

/// Signed numbers.
impl Sysctl<i32> {
    /// `est_nice`: the priority of the threads that refresh counters, −20 to 19.
    /// 0 by default; from Linux 6.2 on.
    pub const EST_NICE: Self = Self {
        name: "est_nice",
        default: Some(0),
        takes: "-20 to 19",
        check: |value| (-20..=19).contains(value),
        kernels: ESTIMATORS,
    };
    /// `conn_lfactor`: the load factor of the connection table, −8 to 8. By default
    /// −4 in the initial network namespace and, in Linux 7.3.4, −2 in others; from about
    /// Linux 7.1 on.
    pub const CONN_LFACTOR: Self = Self::load_factor("conn_lfactor");
    /// `svc_lfactor`: the load factor of the service table, −8 to 8. By default
    /// −3 in the initial network namespace and −2 in others; from about Linux
    /// 7.1 on.
    pub const SVC_LFACTOR: Self = Self::load_factor("svc_lfactor");

    const fn load_factor(name: &'static str) -> Self {
        Self {
            name,
            default: None,
            takes: "-8 to 8",
            check: |value| (-8..=8).contains(value),
            kernels: RECENT,
        }
    }
}

/// Texts.
impl Sysctl<String> {
    /// `est_cpulist`: the CPUs on which counters are refreshed, as `0-3,8`;
    /// none for not at all. By default those for such work; from Linux 6.2 on.
    pub const EST_CPULIST: Self = Self {
        name: "est_cpulist",
        default: None,
        takes: "a list of CPUs, `0-3,8`",
        check: |value| {
            value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b",-:/".contains(&byte))
        },
        kernels: ESTIMATORS,
    };
}

/// The threshold.
impl Sysctl<SyncThreshold> {
    /// `sync_threshold`: when connections are sent to the backups. After 3
    /// packets and then every 50 by default.
    pub const SYNC_THRESHOLD: Self = Self {
        name: "sync_threshold",
        default: Some(SyncThreshold { packets: 3, period: 50 }),
        takes: "two numbers of 0 to 2147483647, the first less than the second unless that is 0",
        check: |value| {
            value.packets <= MAX
                && value.period <= MAX
                && (value.period == 0 || value.packets < value.period)
        },
        kernels: ALL,
    };
}

/// The kernel's numbers are signed.
const MAX: u32 = i32::MAX.unsigned_abs();

const ALL: &str = "those with IPVS";
const ESTIMATORS: &str = "those from Linux 6.2 on";
const RECENT: &str = "those from about Linux 7.1 on";
