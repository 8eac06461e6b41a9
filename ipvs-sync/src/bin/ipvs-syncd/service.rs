//! What the service manager is told, if there is one.

use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::time::Duration;

/// All is started, or reloaded.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "service manager"),
    }
}

pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The daemon is alive.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often it wants to know that, with a margin.
pub(crate) fn watchdog() -> Option<Duration> {
    watchdog_enabled().map(|interval| interval / 3)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        tracing::warn!(%error, "service manager");
    }
}
