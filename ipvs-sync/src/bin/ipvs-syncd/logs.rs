//! Where logs go: to standard error, as text or JSON.

use crate::config::{Format, Log};
use tracing::Metadata;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

pub(crate) fn write(log: Log) {
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    let lines = match log.format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let level = LevelFilter::from_level(log.level);
    tracing_subscriber::registry().with(lines).with(level).with(filter_fn(is_ours)).init();
}

/// What the library logs of a virtual router has its number in its unit. The events say
/// the same with its name.
fn is_ours(about: &Metadata<'_>) -> bool {
    let is_of_library = about.target().starts_with("ipvs_sync::runtime");
    !(is_of_library && about.fields().field("router").is_some())
}
