//! Why there is no IPVS, and why there is no permission: looked up in procfs
//! and the module directory, after a failure only.

use std::fmt;
use std::fs;
use std::path::Path;

/// Why the kernel does not know the IPVS family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoIpvs {
    /// The module is installed and not loaded; from Linux 5.17 or so on, asking
    /// for the family should have loaded it.
    NotLoaded { release: String },
    /// Loading modules was switched off (`kernel.modules_disabled`).
    LoadingDisabled,
    /// The kernel has no such module installed.
    NotInstalled { release: String },
    /// There is no procfs to look it up in.
    Unknown,
}

/// Why the kernel answered EPERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// The thread lacks the capability.
    NoCapability,
    /// The thread is in a user namespace (GENL_ADMIN_PERM asks for the
    /// capability in the initial one).
    UserNamespace,
    /// The thread has the capability where it counts, so the socket's opener
    /// lacked it, or a security module refuses.
    Other,
    /// There is no procfs to look it up in.
    Unknown,
}

impl NoIpvs {
    pub(crate) fn find() -> Self {
        Self::find_in(Path::new("/"))
    }

    fn find_in(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let release = read("proc/sys/kernel/osrelease").trim().to_owned();
        if release.is_empty() {
            return Self::Unknown;
        }
        let modules = read(&format!("lib/modules/{release}/modules.dep"));
        let installed = modules.lines().any(|line| {
            let file = line.split(':').next().unwrap_or_default();
            file.rsplit('/').next().is_some_and(|name| name.starts_with("ip_vs.ko"))
        });
        if !installed {
            Self::NotInstalled { release }
        } else if read("proc/sys/kernel/modules_disabled").trim() == "1" {
            Self::LoadingDisabled
        } else {
            Self::NotLoaded { release }
        }
    }
}

impl Permission {
    pub(crate) fn find() -> Self {
        let namespace = fs::read_link("/proc/thread-self/ns/user").unwrap_or_default();
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self::from_proc(&namespace.to_string_lossy(), &status)
    }

    fn from_proc(namespace: &str, status: &str) -> Self {
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
        match (namespace, effective) {
            ("", _) | (_, None) => Self::Unknown,
            (INITIAL_USER_NAMESPACE, Some(bits)) if bits & CAP_NET_ADMIN == 0 => Self::NoCapability,
            (INITIAL_USER_NAMESPACE, Some(_)) => Self::Other,
            _ => Self::UserNamespace,
        }
    }
}

const CAP_NET_ADMIN: u64 = 1 << 12;
/// `include/linux/proc_ns.h: PROC_USER_INIT_INO`.
const INITIAL_USER_NAMESPACE: &str = "user:[4026531837]";

impl fmt::Display for NoIpvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded { release } => write!(
                f,
                "the module ip_vs of kernel {release} is installed but not loaded, and could not \
                 be loaded on demand: run `modprobe ip_vs` as root, and see dmesg if that fails"
            ),
            Self::LoadingDisabled => f.write_str(
                "the module ip_vs is not loaded, and loading modules is switched off \
                 (kernel.modules_disabled): load it at boot, before that is set",
            ),
            Self::Unknown => f.write_str(
                "this kernel has no IPVS, or the module ip_vs is not loaded: run `modprobe ip_vs` \
                 as root",
            ),
            Self::NotInstalled { release } => write!(
                f,
                "kernel {release} has no IPVS, neither built in nor as an installed module: boot \
                 a kernel with CONFIG_IP_VS, or install the package with its modules (in a \
                 container, load the host's with `modprobe ip_vs` there)"
            ),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCapability => {
                "permission denied, IPVS needs the capability CAP_NET_ADMIN: run as root or grant \
                 it (EPERM)"
            }
            Self::UserNamespace => {
                "permission denied, IPVS needs CAP_NET_ADMIN in the initial user namespace, and \
                 this process is in another (a rootless container?): run it outside (EPERM)"
            }
            Self::Unknown => {
                "permission denied, IPVS needs the capability CAP_NET_ADMIN in the initial user \
                 namespace: run as root there or grant it (EPERM)"
            }
            Self::Other => {
                "permission denied although this thread has CAP_NET_ADMIN: the one that opened \
                 the socket lacked it, or a security module refuses (EPERM)"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(name: &str, modules: &str, disabled: &str) -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("ipvs-{}-{name}", std::process::id()));
        for (path, text) in [
            ("proc/sys/kernel/osrelease", "6.1.0-test\n"),
            ("proc/sys/kernel/modules_disabled", disabled),
            ("lib/modules/6.1.0-test/modules.dep", modules),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_three_reasons_are_told_apart() {
        let release = "6.1.0-test".to_owned();
        let ip_vs = "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/lib/libcrc32c.ko\n";
        let other = "kernel/net/netfilter/ipvs/ip_vs_rr.ko: x\n";
        for (name, modules, disabled, expected) in [
            ("loaded", ip_vs, "0\n", NoIpvs::NotLoaded { release: release.clone() }),
            ("disabled", ip_vs, "1\n", NoIpvs::LoadingDisabled),
            ("absent", other, "0\n", NoIpvs::NotInstalled { release: release.clone() }),
        ] {
            let root = root(name, modules, disabled);
            assert_eq!(NoIpvs::find_in(&root), expected);
            fs::remove_dir_all(root).unwrap();
        }
    }

    #[test]
    fn permission_is_read_from_the_map_and_the_capabilities() {
        let initial = INITIAL_USER_NAMESPACE;
        let status = |bits: &str| format!("Name:\tx\nCapEff:\t{bits}\n");
        for (map, bits, expected) in [
            (initial, "0000000000000000", Permission::NoCapability),
            (initial, "000001ffffffefff", Permission::NoCapability),
            (initial, "000001ffffffffff", Permission::Other),
            ("user:[4026532241]", "000001ffffffffff", Permission::UserNamespace),
            ("", "000001ffffffffff", Permission::Unknown),
            (initial, "", Permission::Unknown),
        ] {
            assert_eq!(Permission::from_proc(map, &status(bits)), expected);
        }
    }
}
