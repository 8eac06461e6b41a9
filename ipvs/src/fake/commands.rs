//! The commands but the listings: what each does, and what it answers.

use super::answer::{self, Address, Refusal};
use super::policy::{self, Message};
use super::request::{DestinationRequest, ServiceRequest};
use super::state::State;
use ipvs_sys::{Command as _, TimeoutAttrs};
use ipvs_sys::{
    DelDaemon, DelDestination, DelService, Flush, GetConfig, GetInfo, GetService, NewDaemon,
    NewDestination, NewService, SetConfig, SetDestination, SetService, Zero,
};

/// A reply, besides the acknowledgement.
type Reply = Option<Vec<u8>>;

/// Whether there is such a command, other than as a listing.
pub(super) fn exists(command: u8) -> bool {
    // GET_DEST and GET_DAEMON are listings only; SET_INFO is a reply only.
    matches!(command, 1..=7 | 9 | 10 | 12 | 13 | 15..=17)
}

/// Carries a command out.
pub(super) fn execute(
    state: &mut State,
    command: u8,
    message: &mut Message<'_>,
    to: Address,
) -> Result<Reply, Refusal> {
    let [_, service, destination, ..] = message.values;
    match command {
        GetInfo::NUMBER => return Ok(Some(to.reply(&answer::info()))),
        GetConfig::NUMBER => return Ok(Some(to.reply(&answer::timeouts(state.timeouts)))),
        GetService::NUMBER => return get_service(state, service, to).map(Some),
        Flush::NUMBER => state.services.clear(),
        SetConfig::NUMBER => state.set_timeouts(timeouts(message))?,
        NewDaemon::NUMBER => {
            let mixed = state.is_mixed();
            state.daemons.start(message, mixed)?;
        }
        DelDaemon::NUMBER => state.daemons.stop(message)?,
        Zero::NUMBER if service.is_none() => state.zero(),
        _ => set(state, command, service, destination)?,
    }
    Ok(None)
}

fn get_service(state: &State, service: Option<&[u8]>, to: Address) -> Result<Vec<u8>, Refusal> {
    let asked = ServiceRequest::parse(service)?;
    let found = state.find(&asked.key).ok_or(libc::ESRCH)?;
    let mut reply = Vec::new();
    answer::service(found, |service| reply = to.reply(service));
    Ok(reply)
}

fn timeouts(message: &Message<'_>) -> TimeoutAttrs {
    let [.., tcp, tcp_fin, udp] = message.values;
    TimeoutAttrs {
        tcp: policy::u32_ne(tcp),
        tcp_fin: policy::u32_ne(tcp_fin),
        udp: policy::u32_ne(udp),
    }
}

/// The commands with a service (`ip_vs_ctl.c: ip_vs_genl_set_cmd`).
fn set(
    state: &mut State,
    command: u8,
    service: Option<&[u8]>,
    destination: Option<&[u8]>,
) -> Result<(), Refusal> {
    let request = ServiceRequest::parse(service)?;
    let key = request.key;
    let found = state.find(&key);
    if matches!(command, NewService::NUMBER | SetService::NUMBER) {
        let asked = request.full(found.map(|found| &found.entry.service))?;
        return match (command, found.is_some()) {
            (NewService::NUMBER, false) => state.add_service(asked),
            (NewService::NUMBER, true) => Err(libc::EEXIST.into()),
            (_, true) => state.edit_service(asked),
            (_, false) => Err(libc::ESRCH.into()),
        };
    }
    let daemons = state.daemons.running().next().is_some();
    let found = state.find_mut(&key).ok_or(libc::ESRCH)?;
    match command {
        DelService::NUMBER => return state.delete_service(&key),
        Zero::NUMBER => {
            found.zero();
            return Ok(());
        }
        _ => {}
    }
    let request = DestinationRequest::parse(destination)?;
    if command != DelDestination::NUMBER && !request.is_full() {
        return Err(libc::EINVAL.into());
    }
    let endpoint = request.endpoint(key.family())?;
    if command == DelDestination::NUMBER {
        return found.delete(endpoint);
    }
    let tunnel = request.forwarding() == ipvs_sys::DestinationAttrs::TUNNEL;
    if endpoint.family() != key.family() && (daemons || !tunnel) {
        return Err(libc::EINVAL.into());
    }
    let asked = request.full(endpoint)?;
    match command {
        NewDestination::NUMBER => found.add(asked),
        SetDestination::NUMBER => found.edit(asked),
        _ => Err(libc::EINVAL.into()),
    }
}
