//! Tests without a kernel: over loopback, with tables that are text.

mod carried;
mod hostile;
mod order;

use super::{Error, Sender, hear};
use crate::peer::{self, Key, LeftOut, Message, Pipe};
use crate::proto::Connection;
use ipvs::connections::Reader;
use std::io::Cursor;
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const KEY: Key = Key::new([7; 32]);

/// Both ends of a stream: of who connects, and of who listens.
fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let joining = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (joining, listener.accept().unwrap().0)
}

/// A table as procfs shows it.
fn table(lines: &[String]) -> String {
    let title = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";
    lines.iter().fold(title.to_owned(), |table, line| table + line + "\n")
}

/// Lines of connections of UDP, each with another client.
fn many(count: u32) -> Vec<String> {
    let line = |client| format!("UDP {client:08X} C350 0A000001 0050 C0A80001 1F90 UDP 300");
    (0..count).map(line).collect()
}

/// A director that serves one peer from this table, and in the end what came of it.
fn serving(stream: TcpStream, table: String) -> JoinHandle<(Sender, Result<(), Error>)> {
    thread::spawn(move || {
        let mut sender = Sender::new(KEY);
        let open = || Ok(Reader::new(Cursor::new(table.clone())));
        let served = sender.serve(stream, open, |_| {});
        (sender, served)
    })
}

fn joined(stream: TcpStream, key: &Key) -> Result<Pipe, peer::Error> {
    Pipe::asking(stream, key, Instant::now() + Duration::from_secs(10))
}

/// Says that it has all, and goes.
fn thanked(mut pipe: Pipe) {
    pipe.send(&Message::Thanks, Instant::now() + Duration::from_secs(10)).unwrap();
}

/// Asks for the table once.
fn fetch(
    pipe: &mut Pipe,
    skip: u64,
    take: impl FnMut(u64, Option<Connection<'_>>) -> Result<(), Error>,
) -> Result<(u64, LeftOut), Error> {
    pipe.send(&Message::Table { skip }, Instant::now() + Duration::from_secs(10))?;
    hear(pipe, take)
}

/// The clients of all connections that come, and what is said in the end.
fn fetched(pipe: &mut Pipe, skip: u64) -> (Vec<String>, u64, LeftOut) {
    let mut clients = Vec::new();
    let take = |_, connection: Option<Connection<'_>>| {
        clients.extend(connection.map(|connection| connection.client.to_string()));
        Ok(())
    };
    let (read, left_out) = fetch(pipe, skip, take).unwrap();
    (clients, read, left_out)
}
