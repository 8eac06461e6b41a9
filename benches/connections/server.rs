//! A real server: it answers HTTP requests, and sends back whatever else it gets.

use crate::request;
use crate::site::{Method, VIRTUAL, address};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::thread;

/// Starts one in the thread's namespace. It runs as long as the process.
///
/// The last byte of each datagram is made the number of the server.
pub(crate) fn start(host: u8) {
    let listeners = Method::ALL.map(|method| {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, method.tcp())).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    });
    let sockets = Method::ALL.map(|method| {
        // The answer comes from the address that was asked.
        let address = match method {
            Method::Masquerade => address(host),
            Method::Direct => VIRTUAL,
        };
        let socket = UdpSocket::bind((address, method.udp())).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    });
    thread::spawn(move || serve(host, &listeners, &sockets));
}

fn serve(host: u8, listeners: &[TcpListener], sockets: &[UdpSocket]) {
    let mut streams: Vec<TcpStream> = Vec::new();
    loop {
        let fds = listeners.iter().map(|listener| listener.as_fd());
        let fds = fds.chain(sockets.iter().map(|socket| socket.as_fd()));
        let fds = fds.chain(streams.iter().map(|stream| stream.as_fd()));
        let mut polled: Vec<PollFd<'_>> =
            fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        poll(&mut polled, PollTimeout::NONE).unwrap();
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any() == Some(true)).collect();
        let (first, ready) = ready.split_at(listeners.len() + sockets.len());
        let mut ready = ready.iter();
        streams.retain_mut(|stream| !ready.next().unwrap() || serve_stream(stream));
        for (socket, _) in sockets.iter().zip(&first[listeners.len()..]).filter(|(_, is)| **is) {
            answer(host, socket);
        }
        for (listener, _) in listeners.iter().zip(first).filter(|(_, is)| **is) {
            while let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true).unwrap();
                stream.set_nodelay(true).unwrap();
                streams.push(stream);
            }
        }
    }
}

/// Whether the connection goes on.
fn serve_stream(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 1024];
    match stream.read(&mut buffer) {
        Ok(0) => false,
        // There is always room for so little.
        Ok(length) => match request::asked(&buffer[..length]) {
            Some(resource) => {
                let _ = stream.write_all(&request::answer(resource));
                false
            }
            None => stream.write_all(&buffer[..length]).is_ok(),
        },
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

fn answer(host: u8, socket: &UdpSocket) {
    let mut buffer = [0; 64];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        buffer[length - 1] = host;
        let _ = socket.send_to(&buffer[..length], from);
    }
}
