//! Lines of `ipvsadm` into a table.

use super::options::{Given, Word, split};
use super::{DEFAULT_PERSISTENCE, DESTINATION_OPTIONS, SERVICE_OPTIONS, TUNNEL_OPTIONS};
use crate::table::draft::{Draft, Places};
use crate::table::error::{Object, TableError, TableProblem};
use crate::{
    Checksum, Destination, Endpoint, Family, Forwarding, ParseError, Persistence, Protocol,
    Scheduler, SchedulerFlags, Service, ServiceKey, Table, Thresholds, Timeouts, Tunnel, Weight,
};
use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;

pub(super) fn table(text: &str) -> Result<Table, TableError> {
    let mut draft = Draft::new(text);
    let mut start = 0;
    for line in text.split('\n') {
        let mut words = words(start, line);
        start += line.len() + 1;
        if words.first().is_some_and(|(_, word)| *word == "ipvsadm") {
            words.remove(0);
        }
        if let Some(((at, command), rest)) = words.split_first() {
            // A comment is a line of its own.
            if !command.starts_with('#') {
                command_line(text, &mut draft, *at, command, rest)?;
            }
        }
    }
    Ok(draft.finish())
}

/// The words of a line that starts at the byte `start`.
fn words(start: usize, line: &str) -> Vec<Word<'_>> {
    let at = |word: &str| start + (word.as_ptr().addr() - line.as_ptr().addr());
    line.split_ascii_whitespace().map(|word| (at(word), word)).collect()
}

fn command_line(
    text: &str,
    draft: &mut Draft<'_>,
    at: usize,
    command: &str,
    rest: &[Word<'_>],
) -> Result<(), TableError> {
    let line = |object, allowed| {
        let options = split((at, command), rest, allowed).map_err(|(at, reason)| {
            TableError::new(object, TableProblem::Syntax { reason }).at(text, at)
        })?;
        Ok(Line { text, at, object, options })
    };
    // After one letter there may be others: `-At 10.0.0.1:80`.
    match command {
        _ if command.starts_with("-A") || command == "--add-service" => {
            line(Object::Service(None), &SERVICE_OPTIONS)?.service(draft)
        }
        _ if command.starts_with("-a") || command == "--add-server" => {
            line(Object::Destination(None, None), &DESTINATION_OPTIONS)?.destination(draft)
        }
        "--set" => timeouts(text, draft, at, rest),
        _ => {
            let reason =
                format!("`{command}` is not one of the commands of a table (-A, -a, --set)");
            Err(TableError::new(Object::Table, TableProblem::Syntax { reason }).at(text, at))
        }
    }
}

/// `--set tcp tcpfin udp`, where 0 leaves one as it is.
fn timeouts(
    text: &str,
    draft: &mut Draft<'_>,
    at: usize,
    words: &[Word<'_>],
) -> Result<(), TableError> {
    let line = Line { text, at, object: Object::Timeouts, options: Vec::new() };
    let [tcp, tcp_fin, udp] = words else {
        let at = words.get(3).map_or(at, |(at, _)| *at);
        return Err(line.syntax(at, "`--set` takes three timeouts in seconds"));
    };
    let seconds = |(at, word): &Word<'_>| {
        let seconds = line.number("a timeout in seconds", *at, word)?;
        Ok((seconds != 0).then_some(seconds))
    };
    let timeouts = Timeouts { tcp: seconds(tcp)?, tcp_fin: seconds(tcp_fin)?, udp: seconds(udp)? };
    let parts = vec![("tcp", tcp.0), ("tcp-fin", tcp_fin.0), ("udp", udp.0)];
    draft.timeouts(timeouts, &Places { object: at, parts })
}

/// A command with its options.
struct Line<'a> {
    text: &'a str,
    at: usize,
    object: Object,
    options: Vec<Given<'a>>,
}

impl Line<'_> {
    fn service(mut self, draft: &mut Draft<'_>) -> Result<(), TableError> {
        let (key, key_at) = self.key()?;
        self.object = Object::Service(Some(key));
        let scheduler = self.parsed("scheduler")?.unwrap_or_default();
        let service = Service::new(key)
            .with_scheduler(scheduler)
            .with_scheduler_flags(self.scheduler_flags(scheduler)?)
            .with_persistence(self.persistence()?)
            .with_one_packet(self.find("ops").is_some());
        let mut parts = vec![("key", key_at)];
        for (part, option) in [
            ("timeout", "persistent"),
            ("netmask", "netmask"),
            ("engine", "pe"),
            ("one-packet", "ops"),
        ] {
            parts.extend(self.find(option).map(|given| (part, given.value_at)));
        }
        draft.service(service, &Places { object: self.at, parts })
    }

    fn destination(mut self, draft: &mut Draft<'_>) -> Result<(), TableError> {
        let (key, key_at) = self.key()?;
        self.object = Object::Destination(Some(key), None);
        let Some(given) = self.find("real-server") else {
            return Err(self.syntax(self.at, "`-a` needs a real server (-r)"));
        };
        let (endpoint_at, address) = (given.value_at, given.value.unwrap_or_default());
        let mut endpoint = self.endpoint(endpoint_at, address)?;
        if let (false, ServiceKey::Address { endpoint: service, .. }) = (has_port(address), key) {
            endpoint.port = service.port;
        }
        self.object = Object::Destination(Some(key), Some(endpoint));
        let destination = Destination::new(endpoint)
            .with_forwarding(self.forwarding()?)
            .with_weight(self.parsed("weight")?.unwrap_or(Weight::ONE))
            .with_thresholds(self.thresholds()?);
        let parts = vec![("key", key_at), ("endpoint", endpoint_at)];
        draft.destination(&key, destination, &Places { object: self.at, parts })
    }

    /// The virtual service that the line names, and where.
    fn key(&self) -> Result<(ServiceKey, usize), TableError> {
        let names = ["tcp-service", "udp-service", "sctp-service", "fwmark-service"];
        let mut named = self.options.iter().filter(|given| names.contains(&given.name));
        let Some(given) = named.next() else {
            let reason = "a virtual service is missing (-t, -u, --sctp-service or -f)";
            return Err(self.syntax(self.at, reason));
        };
        if let Some(second) = named.next() {
            return Err(self.syntax(second.at, "a second virtual service on one line"));
        }
        let (at, value) = (given.value_at, given.value.unwrap_or_default());
        let ipv6 = self.find("ipv6");
        let protocol = match given.name {
            "tcp-service" => Protocol::TCP,
            "udp-service" => Protocol::UDP,
            "sctp-service" => Protocol::SCTP,
            _ => {
                let mark = NonZeroU32::new(self.number("a firewall mark", at, value)?);
                let mark = mark.ok_or_else(|| self.value(at, "a firewall mark from 1", value))?;
                let family = if ipv6.is_some() { Family::V6 } else { Family::V4 };
                return Ok((ServiceKey::fwmark(mark, family), at));
            }
        };
        if let Some(ipv6) = ipv6 {
            return Err(self.syntax(ipv6.at, "`-6` belongs to a firewall mark (-f)"));
        }
        Ok((ServiceKey::Address { protocol, endpoint: self.endpoint(at, value)? }, at))
    }

    fn scheduler_flags(&self, scheduler: Scheduler) -> Result<SchedulerFlags, TableError> {
        let Some(given) = self.find("sched-flags") else { return Ok(SchedulerFlags::NONE) };
        let value = given.value.unwrap_or_default();
        for flag in value.split(',') {
            let (of, name) = match flag.split_once('-') {
                Some(("sh", _)) => (Scheduler::Sh, "sh"),
                Some(("mh", _)) => (Scheduler::Mh, "mh"),
                _ => continue,
            };
            if scheduler != of {
                let reason =
                    format!("the flag `{flag}` is for the scheduler {name}, not {scheduler}");
                return Err(self.syntax(given.value_at, reason));
            }
        }
        self.parse(given.value_at, value)
    }

    fn persistence(&self) -> Result<Option<Persistence>, TableError> {
        let Some(given) = self.find("persistent") else {
            for (name, shown) in [("netmask", "-M"), ("pe", "--pe")] {
                if let Some(given) = self.find(name) {
                    let reason = format!("`{shown}` needs persistence (-p)");
                    return Err(self.syntax(given.at, reason));
                }
            }
            return Ok(None);
        };
        let timeout = match given.value {
            None => DEFAULT_PERSISTENCE,
            Some(value) => self.number("a timeout in seconds", given.value_at, value)?,
        };
        let (netmask, engine) = (self.parsed("netmask")?, self.parsed("pe")?);
        Ok(Some(Persistence { timeout, netmask, engine }))
    }

    fn thresholds(&self) -> Result<Thresholds, TableError> {
        let number = |name| {
            let Some(given) = self.find(name) else { return Ok((0, self.at)) };
            let value = given.value.unwrap_or_default();
            Ok((self.number("a number of connections", given.value_at, value)?, given.value_at))
        };
        let ((upper, upper_at), (lower, lower_at)) =
            (number("u-threshold")?, number("l-threshold")?);
        Thresholds::new(upper, lower).map_err(|rule| {
            let at = if lower > upper { lower_at } else { upper_at };
            self.error(at, TableProblem::Rule(rule))
        })
    }

    fn forwarding(&self) -> Result<Forwarding, TableError> {
        let names = ["gatewaying", "ipip", "masquerading"];
        let mut methods = self.options.iter().filter(|given| names.contains(&given.name));
        let method = methods.next().map_or("gatewaying", |given| given.name);
        if let Some(second) = methods.next() {
            return Err(self.syntax(second.at, "a second forwarding method on one line"));
        }
        if method == "ipip" {
            return self.tunnel().map(Forwarding::Tunnel);
        }
        let tunnel = self.options.iter().find(|given| TUNNEL_OPTIONS.contains(&given.name));
        match tunnel {
            Some(given) => {
                Err(self.syntax(given.at, format!("`--{}` needs a tunnel (-i)", given.name)))
            }
            None if method == "masquerading" => Ok(Forwarding::Masquerade),
            None => Ok(Forwarding::DirectRoute),
        }
    }

    fn tunnel(&self) -> Result<Tunnel, TableError> {
        let kind = self.find("tun-type");
        let (kind_at, kind) = kind
            .map_or((self.at, "ipip"), |given| (given.value_at, given.value.unwrap_or_default()));
        let refuse =
            |names: &[&str]| match self.options.iter().find(|given| names.contains(&given.name)) {
                Some(given) => Err(self.syntax(
                    given.at,
                    format!("`--{}` is not for a tunnel of type {kind}", given.name),
                )),
                None => Ok(()),
            };
        let checksums = ["tun-nocsum", "tun-csum", "tun-remcsum"];
        let mut given = self.options.iter().filter(|given| checksums.contains(&given.name));
        let checksum = match given.next().map(|given| given.name) {
            Some("tun-csum") => Checksum::On,
            Some("tun-remcsum") => Checksum::Remote,
            _ => Checksum::Off,
        };
        if let Some(second) = given.next() {
            return Err(self.syntax(second.at, "a second checksum option on one line"));
        }
        match kind {
            "ipip" => {
                refuse(&["tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"])?;
                Ok(Tunnel::Ipip)
            }
            "gre" => {
                refuse(&["tun-port", "tun-remcsum"])?;
                Ok(Tunnel::Gre { checksum: checksum == Checksum::On })
            }
            "gue" => {
                let Some(given) = self.find("tun-port") else {
                    return Err(self.syntax(kind_at, "a gue tunnel needs a port (--tun-port)"));
                };
                let value = given.value.unwrap_or_default();
                let port = value.parse().ok().and_then(NonZeroU16::new);
                let port = port
                    .ok_or_else(|| self.value(given.value_at, "a port from 1 to 65535", value))?;
                Ok(Tunnel::Gue { port, checksum })
            }
            _ => Err(self.value(kind_at, "a type of tunnel (ipip, gue, gre)", kind)),
        }
    }

    fn find(&self, name: &str) -> Option<&Given<'_>> {
        self.options.iter().find(|given| given.name == name)
    }

    /// The value of an option, read.
    fn parsed<V: FromStr<Err = ParseError>>(&self, name: &str) -> Result<Option<V>, TableError> {
        let Some(given) = self.find(name) else { return Ok(None) };
        self.parse(given.value_at, given.value.unwrap_or_default()).map(Some)
    }

    fn parse<V: FromStr<Err = ParseError>>(&self, at: usize, text: &str) -> Result<V, TableError> {
        text.parse().map_err(|error| self.error(at, TableProblem::Value(error)))
    }

    fn endpoint(&self, at: usize, text: &str) -> Result<Endpoint, TableError> {
        let what = "a numeric address with a port (names are not looked up)";
        text.parse().map_err(|_: ParseError| self.value(at, what, text))
    }

    fn number(&self, what: &'static str, at: usize, text: &str) -> Result<u32, TableError> {
        text.parse().map_err(|_| self.value(at, what, text))
    }

    fn value(&self, at: usize, what: &'static str, text: &str) -> TableError {
        self.error(at, TableProblem::Value(ParseError::expected(what, text)))
    }

    fn syntax(&self, at: usize, reason: impl Into<String>) -> TableError {
        self.error(at, TableProblem::Syntax { reason: reason.into() })
    }

    fn error(&self, at: usize, problem: TableProblem) -> TableError {
        TableError::new(self.object, problem).at(self.text, at)
    }
}

/// Whether an endpoint's text says a port.
fn has_port(endpoint: &str) -> bool {
    endpoint.parse::<IpAddr>().is_err() && !endpoint.ends_with(']')
}
