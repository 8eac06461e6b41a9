//! The sysctls.

use crate::netns::{Netns, text};
use ipvs::sysctl::{Defence, SyncThreshold, Sysctl, Sysctls, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

const DIRECTORY: &str = "/proc/sys/net/ipv4/vs";

/// The kernel's version.
fn version() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// What the kernel shows and nobody has asked for yet.
struct Shown(BTreeMap<String, String>);

impl Shown {
    /// The kernel has it, by the default that is documented for it.
    fn has<V: Value + Debug + PartialEq>(&mut self, sysctl: Sysctl<V>) {
        let name = sysctl.name();
        let default = sysctl.default_value().map(Value::text);
        let shown = self.0.remove(name).unwrap_or_else(|| panic!("no {name}"));
        let value = Sysctls::here().get(sysctl).unwrap();
        if let Some(default) = default {
            assert_eq!(value.text(), default, "{name}");
        }
        assert_eq!(V::parse(&shown), Some(value), "{name}");
    }

    /// The kernel does not have it, and the error says which do.
    fn lacks<V: Value + Debug>(&mut self, sysctl: Sysctl<V>) {
        let (name, kernels) = (sysctl.name(), sysctl.kernels());
        let error = Sysctls::here().get(sysctl).unwrap_err();
        assert!(error.is_absent());
        assert_eq!(
            error.to_string(),
            format!("sysctl net.ipv4.vs.{name}: this kernel does not have it, {kernels} have")
        );
        assert!(!self.0.contains_key(name), "{name}");
    }

    fn has_from<V: Value + Debug + PartialEq>(&mut self, from: (u32, u32), sysctl: Sysctl<V>) {
        if version() < from { self.lacks(sysctl) } else { self.has(sysctl) }
    }
}

#[test]
fn what_the_kernel_shows_is_known_and_has_its_default() {
    let netns = Netns::new();
    netns.run("/sbin/modprobe ip_vs_lblc");
    netns.run("/sbin/modprobe ip_vs_lblcr");
    let mut shown = Shown(Sysctls::here().all().unwrap().into_iter().collect());
    shown.has(Sysctl::CONNTRACK);
    shown.has(Sysctl::SNAT_REROUTE);
    shown.has(Sysctl::SYNC_PERSIST_MODE);
    shown.has(Sysctl::CACHE_BYPASS);
    shown.has(Sysctl::EXPIRE_NODEST_CONN);
    shown.has(Sysctl::SLOPPY_TCP);
    shown.has(Sysctl::SLOPPY_SCTP);
    shown.has(Sysctl::EXPIRE_QUIESCENT_TEMPLATE);
    shown.has(Sysctl::NAT_ICMP_SEND);
    shown.has(Sysctl::PMTU_DISC);
    shown.has(Sysctl::BACKUP_ONLY);
    shown.has(Sysctl::SCHEDULE_ICMP);
    shown.has(Sysctl::IGNORE_TUNNELED);
    shown.has_from((5, 15), Sysctl::RUN_ESTIMATION);
    shown.has(Sysctl::DROP_ENTRY);
    shown.has(Sysctl::DROP_PACKET);
    shown.has(Sysctl::SECURE_TCP);
    shown.has(Sysctl::AMEMTHRESH);
    shown.has(Sysctl::AM_DROPRATE);
    shown.has(Sysctl::SYNC_VERSION);
    shown.has(Sysctl::SYNC_PORTS);
    shown.has(Sysctl::SYNC_SOCK_SIZE);
    shown.has(Sysctl::SYNC_REFRESH_PERIOD);
    shown.has(Sysctl::SYNC_RETRIES);
    shown.has(Sysctl::CONN_REUSE_MODE);
    shown.has(Sysctl::LBLC_EXPIRATION);
    shown.has(Sysctl::LBLCR_EXPIRATION);
    shown.has(Sysctl::SYNC_QLEN_MAX);
    shown.has(Sysctl::SYNC_THRESHOLD);
    shown.has_from((6, 2), Sysctl::EST_NICE);
    shown.has_from((6, 2), Sysctl::EST_CPULIST);
    shown.has_from((7, 1), Sysctl::CONN_MAX);
    shown.has_from((7, 1), Sysctl::CONN_LFACTOR);
    shown.has_from((7, 1), Sysctl::SVC_LFACTOR);
    // Debian's kernels are built without CONFIG_IP_VS_DEBUG.
    shown.lacks(Sysctl::DEBUG_LEVEL);
    assert_eq!(shown.0, BTreeMap::new());
}

/// We refuse each of these exactly if the kernel does, and what it takes reads
/// back.
fn agree<V: Value + Debug + PartialEq>(sysctl: impl Fn() -> Sysctl<V>, values: Vec<V>) {
    let sysctls = Sysctls::here();
    let path = format!("{DIRECTORY}/{}", sysctl().name());
    let before = match sysctls.get(sysctl()) {
        Err(error) if error.is_absent() => {
            // An older kernel. Which have it is another test's.
            return assert!(!Path::new(&path).exists(), "{path}: {error}");
        }
        before => before.unwrap(),
    };
    for value in values {
        let text = value.text();
        let kernel = fs::write(&path, format!("{text}\n"));
        fs::write(&path, format!("{}\n", before.text())).unwrap();
        match sysctls.set(sysctl(), value) {
            Ok(()) => {
                assert!(kernel.is_ok(), "{path} {text}");
                assert_eq!(sysctls.get(sysctl()).unwrap().text(), text, "{path}");
            }
            Err(error) => {
                assert!(error.is_range() && kernel.is_err(), "{error}, but {kernel:?}");
            }
        }
    }
    sysctls.set(sysctl(), before).unwrap();
}

#[test]
fn we_refuse_what_the_kernel_refuses() {
    let _netns = Netns::new();
    const MAX: u32 = i32::MAX.unsigned_abs();
    agree(|| Sysctl::CONNTRACK, vec![true, false]);
    agree(|| Sysctl::SYNC_PERSIST_MODE, vec![true, false]);
    agree(|| Sysctl::RUN_ESTIMATION, vec![false, true]);
    for defence in [Sysctl::DROP_ENTRY, Sysctl::DROP_PACKET, Sysctl::SECURE_TCP] {
        agree(|| defence, vec![Defence::Always, Defence::Automatic, Defence::Off]);
        // The kernel may find at once that memory does not run low.
        Sysctls::here().set(defence, Defence::AutomaticActive).unwrap();
        let path = format!("{DIRECTORY}/{}", defence.name());
        assert!(fs::write(&path, "4\n").is_err() && fs::write(&path, "-1\n").is_err());
    }
    agree(|| Sysctl::SYNC_VERSION, vec![0, 1, 2]);
    agree(|| Sysctl::SYNC_PORTS, vec![0, 1, 2, 3, 64, 65, 128, 1 << 30, 1 << 31]);
    agree(|| Sysctl::SYNC_RETRIES, vec![0, 3, 4]);
    for sysctl in
        [Sysctl::AMEMTHRESH, Sysctl::AM_DROPRATE, Sysctl::SYNC_SOCK_SIZE, Sysctl::CONN_REUSE_MODE]
    {
        agree(|| sysctl, vec![0, 1, MAX, MAX + 1]);
    }
    agree(|| Sysctl::SYNC_QLEN_MAX, vec![0, 1, u64::from(u32::MAX) + 1, u64::MAX]);
    let threshold = |packets, period| SyncThreshold { packets, period };
    agree(
        || Sysctl::SYNC_THRESHOLD,
        vec![
            threshold(0, 0),
            threshold(9, 0),
            threshold(0, 1),
            threshold(3, 3),
            threshold(3, 4),
            threshold(4, 3),
            threshold(MAX - 1, MAX),
            threshold(MAX + 1, 0),
            threshold(0, MAX + 1),
        ],
    );
    // As many seconds as fit a kernel with 250 ticks in each.
    agree(|| Sysctl::SYNC_REFRESH_PERIOD, vec![0, 1, 8_589_934, 21_474_837]);
    if version() >= (6, 2) {
        agree(|| Sysctl::EST_NICE, vec![-21, -20, 0, 19, 20]);
        let lists = ["0", "", "0;", "x y"];
        agree(|| Sysctl::EST_CPULIST, lists.map(str::to_owned).into());
    }
    if version() >= (7, 1) {
        agree(|| Sysctl::CONN_LFACTOR, vec![-9, -8, 0, 8, 9]);
        agree(|| Sysctl::SVC_LFACTOR, vec![-9, -8, 0, 8, 9]);
    }
}

#[test]
fn what_only_the_kernel_can_judge_is_told_as_its_refusal() {
    let _netns = Netns::new();
    let error = Sysctls::here().set(Sysctl::SYNC_REFRESH_PERIOD, 21_474_836).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sysctl net.ipv4.vs.sync_refresh_period = 21474836: the kernel refuses this value \
         (Invalid argument (os error 22))"
    );
    assert_eq!(Sysctls::here().get(Sysctl::SYNC_REFRESH_PERIOD).unwrap(), 0);
}

#[test]
fn each_namespace_has_its_own() {
    let (_here, there) = Netns::two();
    let before = fs::read_link("/proc/thread-self/ns/net").unwrap();
    let sysctls = Sysctls::of(&there);
    sysctls.set(Sysctl::CONNTRACK, true).unwrap();
    let threshold = SyncThreshold { packets: 5, period: 100 };
    sysctls.set(Sysctl::SYNC_THRESHOLD, threshold).unwrap();
    assert!(sysctls.get(Sysctl::CONNTRACK).unwrap());
    assert_eq!(sysctls.get(Sysctl::SYNC_THRESHOLD).unwrap(), threshold);
    let all: BTreeMap<String, String> = sysctls.all().unwrap().into_iter().collect();
    assert_eq!(all.get("conntrack").map(String::as_str), Some("1"));
    assert_eq!(fs::read_link("/proc/thread-self/ns/net").unwrap(), before);
    assert!(!Sysctls::here().get(Sysctl::CONNTRACK).unwrap());
    let error = sysctls.set(Sysctl::SYNC_RETRIES, 4).unwrap_err();
    assert!(error.is_range());
}

#[test]
fn without_the_capability_everything_is_read_and_nothing_set() {
    let _netns = Netns::new();
    let output =
        Command::new("/bin/probe").arg("sysctls").uid(65_534).gid(65_534).output().unwrap();
    let denied = "permission denied, writing needs CAP_NET_ADMIN in the user namespace that owns \
                  the network namespace; outside of the initial one some can only be read";
    assert_eq!(
        text(&output.stdout),
        format!(
            "true\nsysctl net.ipv4.vs.pmtu_disc = 0: {denied}\n\
             sysctl net.ipv4.vs.sync_sock_size = 1: {denied}\n"
        )
    );
}

#[test]
fn in_a_user_namespace_they_are_hidden_or_some_can_only_be_read() {
    let netns = Netns::new();
    let shown = netns.run("/bin/busybox unshare -U -r -n /bin/probe sysctls");
    if version() <= (6, 1) {
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}");
        assert!(lines.iter().all(|line| line.contains(": there are none: ")), "{shown}");
    } else {
        let expected = "true\nset\nsysctl net.ipv4.vs.sync_sock_size = 1: permission denied, ";
        assert!(shown.starts_with(expected), "{shown}");
    }
}
