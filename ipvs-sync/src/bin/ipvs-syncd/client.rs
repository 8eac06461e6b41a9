//! What the other commands ask of the daemon.

use crate::control::{Answer, Request};
use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::text;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Shows the state, once or until it is interrupted.
pub(crate) fn status(socket: &Path, is_json: bool, is_watched: bool) -> Result<(), Failure> {
    loop {
        let (answer, line) = ask(socket, &Request::Status)?;
        let Answer::State(state) = answer else { return Err(refused(answer)) };
        let shown = match (is_json, is_watched && io::stdout().is_terminal()) {
            (true, _) => line,
            (false, true) => format!("{CLEAR}{}", text::table(&state)),
            (false, false) => text::table(&state),
        };
        if !show(&shown) || !is_watched {
            return Ok(());
        }
        std::thread::sleep(WATCH);
    }
}

/// An active router hands over, or all.
pub(crate) fn hand_over(
    socket: &Path,
    router: Option<String>,
    is_now: bool,
) -> Result<(), Failure> {
    match ask(socket, &Request::Handover { router, is_now })?.0 {
        Answer::HandedOver(names) => {
            show(&format!("handing over: {}\n", names.join(", ")));
            Ok(())
        }
        answer => Err(refused(answer)),
    }
}

/// The terminal's screen, from the top.
const CLEAR: &str = "\x1b[H\x1b[2J";
const WATCH: Duration = Duration::from_millis(500);
/// More than the daemon gives itself, for what it answers at once and for a handover.
const TIMEOUT: Duration = Duration::from_secs(10);
const HANDOVER: Duration = Duration::from_secs(370);
/// Longer than any answer.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The answer, also as the line that it is.
fn ask(socket: &Path, request: &Request) -> Result<(Answer, String), Failure> {
    let asked = || {
        let mut stream = UnixStream::connect(socket)?;
        let is_long = matches!(request, Request::Handover { is_now: false, .. });
        stream.set_read_timeout(Some(if is_long { HANDOVER } else { TIMEOUT }))?;
        stream.write_all(request.line().as_bytes())?;
        let mut line = String::new();
        stream.take(LONGEST).read_to_string(&mut line)?;
        let answer = serde_json::from_str(&line)?;
        io::Result::Ok((answer, line))
    };
    asked().map_err(|error| {
        let at = socket.display();
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Failure::new(Exit::Permission, format!("control socket {at}: {error}"))
            }
            _ => Failure::new(Exit::NoDaemon, format!("no ipvs-syncd answers at {at}: {error}")),
        }
    })
}

fn refused(answer: Answer) -> Failure {
    let text = match answer {
        Answer::Error(error) => error,
        _ => "the daemon answered something else: is it of another version?".to_owned(),
    };
    Failure::new(Exit::Refused, text)
}
