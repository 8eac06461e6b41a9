//! What the two threads and the handle tell each other.

use super::{Error, Settings, Status, WhenDeleted};
use crate::net;
use crate::net::AdvertSocket;
use crate::vrrp::packet::{Finding, Rejected};
use crate::vrrp::router::{self, Cause, Report, State};
use crate::vrrp::{Rank, Time, VirtualAddresses};
use ipvs::InterfaceName;
use std::net::IpAddr;
use std::sync::mpsc::Sender;

/// What the thread of the advertisements is told.
#[derive(Debug)]
pub(super) enum Told {
    /// By the handle; and again by the other thread, when the interface has the addresses
    /// that the command makes the router own.
    Command {
        router: usize,
        command: Command,
        reply: Sender<Answer>,
        owns: Option<VirtualAddresses>,
    },
    /// An interface has its link, or lost it.
    Link { router: usize, link: bool },
    /// Somebody else deleted addresses, which counts as an order to hand over.
    Release { router: usize },
    /// Addresses that were to be installed are not there.
    NotInstalled { router: usize },
    /// Somebody else deletes addresses as often as they are put back.
    NotKept { router: usize },
    /// Somebody else has an address that the router asked for.
    Answered { router: usize, answer: router::Answer },
    /// An interface was created anew.
    Reopened { port: usize, socket: AdvertSocket },
    /// The interface with a router's virtual MAC address was created anew.
    SendsBy { router: usize, socket: AdvertSocket },
    /// To resign and end.
    Stop,
}

/// What a router is to do.
#[derive(Debug)]
pub(super) enum Command {
    Reconfigure(Box<Settings>),
    SetRank(Rank),
    Track { name: String, is_well: bool },
    SyncReady(bool),
    Resign,
    GiveWay,
    Promote,
    Status,
}

/// What becomes of a command.
pub(super) type Answer = Result<Status, Error>;

/// What takes longer than an advertisement can wait: all that can block. It is done in
/// this order.
#[derive(Debug)]
pub(super) enum Job {
    Install {
        router: usize,
        addresses: Vec<IpAddr>,
    },
    Remove {
        router: usize,
        addresses: Vec<IpAddr>,
    },
    /// To announce these, which the interface has by itself.
    Own {
        router: usize,
        addresses: Vec<IpAddr>,
    },
    Announce {
        router: usize,
    },
    /// To see whether the interface has what the command makes the router own.
    CheckOwner {
        router: usize,
        addresses: VirtualAddresses,
        command: Command,
        reply: Sender<Answer>,
    },
    /// To do this from now on when somebody deletes addresses.
    WhenDeleted {
        router: usize,
        then: WhenDeleted,
    },
    /// To ask who has these.
    Probe {
        router: usize,
        addresses: Vec<IpAddr>,
    },
    State {
        router: usize,
        time: Time,
        from: State,
        to: State,
        cause: Cause,
    },
    Report {
        router: usize,
        time: Time,
        report: Report,
        withheld: u64,
    },
    Failed {
        router: usize,
        time: Time,
        error: net::Error,
    },
    Log {
        interface: InterfaceName,
        notice: Notice,
        withheld: u64,
    },
    Reply(Sender<Answer>, Box<Answer>),
    /// To leave a group takes the lock of all interfaces (`ip_mc_drop_socket`).
    Close(AdvertSocket),
    End,
}

/// What is only logged.
#[derive(Debug)]
pub(super) enum Notice {
    Rejected { source: IpAddr, rejected: Rejected },
    Odd { source: IpAddr, finding: Finding },
    Unreadable,
    QueueFull { dropped: u64 },
    Receive(net::Error),
}
