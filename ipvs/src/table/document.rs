//! A table from a TOML or JSON document, which have the same keys.

use super::draft::Draft;
use super::error::{Object, TableError, TableProblem};
use super::node::{Fields, Node};
use crate::{
    Destination, Persistence, Rule, Service, ServiceKey, Table, Thresholds, Timeouts, Weight,
};

const TABLE: &[&str] = &["timeouts", "service"];
const TIMEOUTS: &[&str] = &["tcp", "tcp-fin", "udp"];
const SERVICE: &[&str] =
    &["name", "key", "scheduler", "scheduler-flags", "persistence", "one-packet", "destination"];
const PERSISTENCE: &[&str] = &["timeout", "netmask", "engine"];
const DESTINATION: &[&str] = &["endpoint", "weight", "forwarding", "thresholds"];
const THRESHOLDS: &[&str] = &["upper", "lower"];

/// Reads the document `root` of `text`.
pub(crate) fn table(text: &str, root: &Node<'_>) -> Result<Table, TableError> {
    let mut draft = Draft::new(text);
    let fields = Fields::of(text, Object::Table, "the document", root, TABLE)?;
    if let Some(node) = fields.node("timeouts") {
        timeouts(text, &mut draft, node)?;
    }
    for node in fields.array("service")? {
        service(text, &mut draft, node)?;
    }
    Ok(draft.finish())
}

fn timeouts(text: &str, draft: &mut Draft<'_>, node: &Node<'_>) -> Result<(), TableError> {
    let fields = Fields::of(text, Object::Timeouts, "timeouts", node, TIMEOUTS)?;
    let timeouts = Timeouts {
        tcp: fields.number("tcp")?,
        tcp_fin: fields.number("tcp-fin")?,
        udp: fields.number("udp")?,
    };
    draft.timeouts(timeouts, &fields.places())
}

fn service(text: &str, draft: &mut Draft<'_>, node: &Node<'_>) -> Result<(), TableError> {
    let object = Object::Service(node.get("key").and_then(Node::read));
    let fields = Fields::of(text, object, "service", node, SERVICE)?;
    let key = fields.required(fields.parsed("key")?, "key")?;
    let mut places = fields.places();
    let mut service = Service::new(key)
        .with_scheduler(fields.parsed("scheduler")?.unwrap_or_default())
        .with_scheduler_flags(fields.parsed("scheduler-flags")?.unwrap_or_default())
        .with_one_packet(fields.boolean("one-packet")?.unwrap_or(false));
    if let Some(node) = fields.node("persistence") {
        let fields = Fields::of(text, object, "persistence", node, PERSISTENCE)?;
        places.parts.extend(fields.parts());
        service = service.with_persistence(Persistence {
            timeout: fields.required(fields.number("timeout")?, "timeout")?,
            netmask: fields.parsed("netmask")?,
            engine: fields.parsed("engine")?,
        });
    }
    let name = fields.text("name")?;
    draft.service(service, &places)?;
    if let Some(name) = name {
        draft.name(&key, name, &places)?;
    }
    for node in fields.array("destination")? {
        destination(text, draft, &key, node)?;
    }
    Ok(())
}

fn destination(
    text: &str,
    draft: &mut Draft<'_>,
    key: &ServiceKey,
    node: &Node<'_>,
) -> Result<(), TableError> {
    let object = Object::Destination(Some(*key), node.get("endpoint").and_then(Node::read));
    let fields = Fields::of(text, object, "destination", node, DESTINATION)?;
    let endpoint = fields.required(fields.parsed("endpoint")?, "endpoint")?;
    let mut destination = Destination::new(endpoint)
        .with_forwarding(fields.parsed("forwarding")?.unwrap_or_default());
    if let Some(weight) = fields.number("weight")? {
        let weight = Weight::new(weight);
        let weight = weight.map_err(|rule| fields.error_at("weight", TableProblem::Rule(rule)))?;
        destination = destination.with_weight(weight);
    }
    if let Some(node) = fields.node("thresholds") {
        let fields = Fields::of(text, object, "thresholds", node, THRESHOLDS)?;
        let upper = fields.required(fields.number("upper")?, "upper")?;
        let thresholds = Thresholds::new(upper, fields.number("lower")?.unwrap_or(0));
        destination = destination.with_thresholds(thresholds.map_err(|rule| {
            let key = if matches!(rule, Rule::ThresholdOrder { .. }) { "lower" } else { "upper" };
            fields.error_at(key, TableProblem::Rule(rule))
        })?);
    }
    draft.destination(key, destination, &fields.places())
}

#[cfg(test)]
mod tests;
