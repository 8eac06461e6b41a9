//! The states of connections by their numbers.

use ipvs::connections::State;

/// The states of a protocol, each at the place of its number; `None` for a protocol that
/// IPVS does not know (`ip_vs_proto.c: ip_vs_proto_get`). Those of a template are the same
/// for every protocol.
///
/// ```
/// use ipvs::connections::State;
/// use ipvs_sync::proto::states;
///
/// let tcp = states(6, false).ok_or("not TCP")?;
/// assert_eq!(tcp.get(1), Some(&State::Established));
/// assert_eq!(tcp.iter().position(|state| *state == State::CloseWait), Some(7));
/// # Ok::<(), &str>(())
/// ```
pub fn states(protocol: u8, is_template: bool) -> Option<&'static [State]> {
    match protocol {
        _ if is_template => Some(&TEMPLATE),
        TCP => Some(&OF_TCP),
        UDP => Some(&OF_UDP),
        SCTP => Some(&OF_SCTP),
        ESP | AH => Some(&OF_IPSEC),
        _ => None,
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const ESP: u8 = 50;
const AH: u8 = 51;
const SCTP: u8 = 132;

/// `IP_VS_CTPL_S_*`.
const TEMPLATE: [State; 2] = [State::None, State::Assured];

/// `IP_VS_TCP_S_*`.
const OF_TCP: [State; 11] = [
    State::None,
    State::Established,
    State::SynSent,
    State::SynReceived,
    State::FinWait,
    State::TimeWait,
    State::Close,
    State::CloseWait,
    State::LastAck,
    State::Listen,
    State::SynAck,
];

/// `IP_VS_UDP_S_*`.
const OF_UDP: [State; 1] = [State::Udp];

/// `IP_VS_SCTP_S_*`.
const OF_SCTP: [State; 14] = [
    State::None,
    State::Init1,
    State::Init,
    State::CookieSent,
    State::CookieReplied,
    State::CookieWait,
    State::Cookie,
    State::CookieEchoed,
    State::Established,
    State::ShutdownSent,
    State::ShutdownReceived,
    State::ShutdownAckSent,
    State::Rejected,
    State::Closed,
];

/// AH and ESP have one without a name (`ip_vs_proto_ah_esp.c`).
const OF_IPSEC: [State; 1] = [State::None];
