//! Where logs go: to standard error, as text or JSON.

use crate::config::{Format, Log};
use tracing_subscriber::filter::LevelFilter;

pub(crate) fn write(log: Log) {
    let level = LevelFilter::from_level(log.level);
    let logs = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_target(false);
    match log.format {
        Format::Text => logs.with_ansi(false).init(),
        Format::Json => logs.json().flatten_event(true).init(),
    }
}
