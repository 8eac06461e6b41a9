//! The family `nlctrl`, as far as it tells the number of the family `IPVS`.

use super::Version;
use super::answer::{Address, Refusal};
use super::policy::{self, Rule};
use super::state::State;
use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::put::{Put, attr, nest};
use ipvs_sys::{Command, GetDaemon, GetDestination, GetService, SetInfo};

/// `genetlink.c: ctrl_policy_family`.
const RULES: [Rule; 3] = [Rule::Any, Rule::Number(2), Rule::Name(15)];
const OPERATIONS: u16 = 6;

const ADMIN: u32 = 1;
const DO: u32 = 2;
const DUMP: u32 = 4;
const POLICY: u32 = 8;

/// Answers a request for the family, by name or number
/// (`genetlink.c: ctrl_getfamily`).
pub(super) fn answer(
    state: &State,
    command: u8,
    listing: bool,
    attrs: &[u8],
    to: Address,
) -> Result<Vec<u8>, Refusal> {
    if command != GetFamily::NUMBER || listing {
        return Err(libc::EOPNOTSUPP.into());
    }
    let [_, id, name] = policy::nest(attrs, &RULES)?;
    let found = match (policy::name(name), policy::u16_ne(id)) {
        (Some(name), _) => name == b"IPVS",
        (None, Some(id)) => id == state.family,
        (None, None) => return Err(libc::EINVAL.into()),
    };
    if !found {
        return Err(libc::ENOENT.into());
    }
    Ok(to.reply(&Found { version: state.version, family: state.family }))
}

/// The reply, with the list of commands that nobody here reads.
struct Found {
    version: Version,
    family: u16,
}

impl Command for Found {
    const FAMILY: &'static str = "nlctrl";
    const VERSION: u8 = 2;
    const NUMBER: u8 = NewFamily::NUMBER;

    fn write<P: Put>(&self, out: &mut P) {
        let family =
            NewFamily { id: self.family, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };
        family.write(out);
        nest(out, OPERATIONS, |out| {
            let commands = (1..=17).filter(|number| *number != SetInfo::NUMBER);
            for (index, number) in (1..).zip(commands) {
                nest(out, index, |out| {
                    attr(out, 1, &u32::from(number).to_ne_bytes());
                    attr(out, 2, &self.flags(number).to_ne_bytes());
                });
            }
        });
    }
}

impl Found {
    /// `GENL_ADMIN_PERM` and `GENL_CMD_CAP_*`.
    fn flags(&self, command: u8) -> u32 {
        match (command, self.version) {
            (GetService::NUMBER, _) => ADMIN | DO | DUMP | POLICY,
            (GetDestination::NUMBER | GetDaemon::NUMBER, Version::V6_1) => ADMIN | DUMP | POLICY,
            (GetDestination::NUMBER | GetDaemon::NUMBER, Version::V6_12) => ADMIN | DUMP,
            _ => ADMIN | DO | POLICY,
        }
    }
}
