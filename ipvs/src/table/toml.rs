//! A table as TOML.

use super::document;
use super::error::{Object, TableError, TableProblem};
use super::node::{Entry, Node, Value};
use super::{Table, TableService};
use crate::form::{DestinationForm, ServiceForm};
use crate::{SchedulerFlags, Thresholds, Timeouts};
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};
use toml::ser::ValueSerializer;

impl Table {
    /// Reads a TOML document.
    ///
    /// ```
    /// # fn main() -> Result<(), ipvs::TableError> {
    /// let table = ipvs::Table::from_toml(
    ///     r#"
    ///     ## In seconds, each optional; what is left out stays as it is.
    ///     [timeouts]
    ///     tcp = 900
    ///     tcp-fin = 120
    ///     udp = 300
    ///
    ///     [[service]]
    ///     key = "tcp 10.0.0.1:80"        # or "fwmark 7 ipv6"
    ///     ## The others are optional.
    ///     name = "web"                   # for people
    ///     scheduler = "sh"               # wlc
    ///     scheduler-flags = "sh-port"    # none
    ///     persistence = { timeout = 300, netmask = "255.255.255.0" } # and engine = "sip"
    ///     one-packet = false             # false
    ///
    ///     [[service.destination]]
    ///     endpoint = "192.168.0.1:80"    # without a port: the service's
    ///     weight = 3                     # 1
    ///     forwarding = "direct-route"    # masquerade
    ///     thresholds = { upper = 100, lower = 50 } # none
    ///     "#,
    /// )?;
    /// assert_eq!(table.services().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line and column.
    pub fn from_toml(text: &str) -> Result<Self, TableError> {
        let root = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
        let value = entries(root.into_inner());
        document::table(text, &Node { at: 0, value })
    }

    /// A TOML document that reads as this table.
    ///
    /// # Errors
    ///
    /// Flags, names and methods that this crate does not know.
    pub fn to_toml(&self) -> Result<String, TableError> {
        let mut out = String::new();
        self.write(&mut out).map_err(|error| {
            let reason = error.to_string();
            TableError::new(Object::Table, TableProblem::NotExpressible { reason })
        })?;
        self.verified(out, Self::from_toml)
    }

    fn write(&self, out: &mut String) -> Result<(), toml::ser::Error> {
        let Timeouts { tcp, tcp_fin, udp } = self.timeouts;
        if self.timeouts != Timeouts::default() {
            *out += "[timeouts]\n";
            for (key, timeout) in [("tcp", tcp), ("tcp-fin", tcp_fin), ("udp", udp)] {
                optional(out, key, timeout)?;
            }
        }
        self.services().try_for_each(|entry| entry.write(out))
    }
}

impl TableService {
    fn write(&self, out: &mut String) -> Result<(), toml::ser::Error> {
        let service = ServiceForm::from(self.service);
        let flags = service.scheduler_flags;
        *out += if out.is_empty() { "[[service]]\n" } else { "\n[[service]]\n" };
        optional(out, "name", self.name())?;
        line(out, "key", service.key)?;
        line(out, "scheduler", service.scheduler)?;
        optional(out, "scheduler-flags", Some(flags).filter(|set| *set != SchedulerFlags::NONE))?;
        optional(out, "persistence", service.persistence)?;
        optional(out, "one-packet", service.one_packet.then_some(true))?;
        for destination in self.destinations() {
            let DestinationForm { endpoint, weight, forwarding, thresholds } =
                (*destination).into();
            *out += "\n[[service.destination]]\n";
            line(out, "endpoint", endpoint)?;
            line(out, "weight", weight)?;
            line(out, "forwarding", forwarding)?;
            optional(out, "thresholds", Some(thresholds).filter(|set| *set != Thresholds::NONE))?;
        }
        Ok(())
    }
}

fn optional<V: Serialize>(
    out: &mut String,
    key: &str,
    value: Option<V>,
) -> Result<(), toml::ser::Error> {
    value.map_or(Ok(()), |value| line(out, key, value))
}

fn line<V: Serialize>(out: &mut String, key: &str, value: V) -> Result<(), toml::ser::Error> {
    *out += &format!("{key} = ");
    value.serialize(ValueSerializer::new(out))?;
    *out += "\n";
    Ok(())
}

/// The keys and values of a table in the order of the text.
fn entries<'a>(table: DeTable<'a>) -> Value<'a> {
    let entries = table.into_iter().map(|(key, value)| {
        let at = key.span().start;
        Entry { at, key: key.into_inner(), node: node(value) }
    });
    let mut entries: Vec<Entry<'a>> = entries.collect();
    entries.sort_by_key(|entry| entry.at);
    Value::Table(entries)
}

fn node(spanned: Spanned<DeValue<'_>>) -> Node<'_> {
    let at = spanned.span().start;
    let value = match spanned.into_inner() {
        DeValue::Table(table) => entries(table),
        DeValue::Array(array) => Value::Array(array.into_iter().map(node).collect()),
        DeValue::String(text) => Value::Text(text),
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number of another kind"), Value::Integer),
        DeValue::Float(_) => Value::Other("a number of another kind"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
    };
    Node { at, value }
}

fn syntax(text: &str, error: &Error) -> TableError {
    let at = error.span().map_or(text.len(), |span| span.start);
    let problem = TableProblem::Syntax { reason: error.message().to_owned() };
    TableError::new(Object::Table, problem).at(text, at)
}
