//! `ipvs-syncd`: virtual routers, connection sync and the table of IPVS, from a
//! configuration file, as a daemon. `man 8 ipvs-syncd` is in `ipvs-sync/dist`.

mod client;
mod config;
mod control;
mod daemon;
mod doctor;
mod events;
mod exit;
mod hooks;
mod links;
mod logs;
mod metrics;
mod output;
mod peers;
mod reload;
mod resolve;
mod running;
mod server;
mod service;
mod signals;
mod state;
mod sync;
mod tables;
mod tap;
mod text;

use clap::{Args, Parser, Subcommand, value_parser};
use config::Config;
use exit::{Exit, Failure};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Virtual routers (VRRP), connection sync and the table of IPVS, from a configuration file.
#[derive(Debug, Parser)]
#[command(name = "ipvs-syncd", version, after_help = EXITS, args_conflicts_with_subcommands = true)]
struct Cli {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    config: PathBuf,
    /// Only check a configuration, and the files that it names.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    check: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the state of the daemon that runs.
    Status {
        /// As JSON, one line.
        #[arg(long)]
        json: bool,
        /// Again and again, until it is interrupted.
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Let an active virtual router hand over: where there are peers, only to one that has
    /// all connections.
    Handover {
        /// Its name; without one, all that are active.
        router: Option<String>,
        /// At once, whoever takes over.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Tell what breaks connection sync without a word.
    Doctor {
        /// The configuration.
        #[arg(long, value_name = "FILE", default_value = CONFIG)]
        config: PathBuf,
        /// As JSON, one line, with what this node reports of itself.
        #[arg(long)]
        json: bool,
        /// Compare with a peer, of which this file has the same as JSON.
        #[arg(long, value_name = "FILE")]
        peer_report: Option<PathBuf>,
    },
    /// Count what masters send, beside the kernel's backup daemon, which counts nothing.
    Tap {
        /// The configuration.
        #[arg(long, value_name = "FILE", default_value = CONFIG)]
        config: PathBuf,
        /// For how long.
        #[arg(long, default_value_t = 10, value_parser = value_parser!(u16).range(1..=3_600))]
        seconds: u16,
        /// As JSON, one line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct Socket {
    /// The control socket of the daemon.
    #[arg(long, value_name = "PATH", default_value = config::CONTROL)]
    socket: PathBuf,
}

const CONFIG: &str = "/etc/ipvs-syncd.toml";

const EXITS: &str = "\
Exit codes:
  0  all is well, or the daemon was told to end
  1  the system refused something
  2  bad command line
  3  the configuration is wrong: each error is told with its file, line and column
  4  a capability or permission is missing
  5  no daemon answers at the control socket
  6  the daemon refused the request
  7  the doctor has findings

Signals: SIGHUP reloads the configuration, SIGTERM and SIGINT end the daemon in order.";

fn main() -> ExitCode {
    let Cli { config, check, command } = Cli::parse();
    let done = match (command, check) {
        (Some(Command::Status { json, watch, socket }), _) => {
            client::status(&socket.socket, json, watch)
        }
        (Some(Command::Handover { router, now, socket }), _) => {
            client::hand_over(&socket.socket, router, now)
        }
        (Some(Command::Doctor { config, json, peer_report }), _) => {
            doctor::run(&config, json, peer_report.as_deref())
        }
        (Some(Command::Tap { config, seconds, json }), _) => tap::run(&config, seconds, json),
        (None, Some(file)) => self::check(&file),
        (None, None) => daemon::run(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { exit, text }) => {
            // What is wrong in a file begins with its name.
            let name = if exit == Exit::Configuration { "" } else { "ipvs-syncd: " };
            output::complain(&format!("{name}{text}\n"));
            exit.into()
        }
    }
}

fn check(file: &Path) -> Result<(), Failure> {
    Config::read(file).map(drop).map_err(|all| Failure::new(Exit::Configuration, all))
}
