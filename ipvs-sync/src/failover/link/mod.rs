//! The link to the other directors: the threads that ask them, and answer them.

mod ask;
mod connect;
mod error;
mod serve;
mod shared;
mod streams;
#[cfg(test)]
mod tests;
mod told;
mod transfer;

pub use error::LinkError;
pub use told::{Counters, Told};

use crate::peer::{Key, Standing};
use ask::{Question, ask_all};
use ipvs::Namespace;
use ipvs::connections::{self, ReadError, Reader};
use nix::sys::eventfd::EventFd;
use serve::Server;
use shared::Shared;
use std::io::BufRead;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use transfer::{Work, work_all};

/// Where this director listens, and who the others are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address and port to listen at. What is asked of others comes from the address
    /// too, so it is to be the one that they have as that of a peer.
    pub listen: SocketAddr,
    /// Where the others listen, each at an address of its own. They are named by their number in this order, from 0.
    /// Connections from other addresses are closed at once and counted.
    pub peers: Vec<SocketAddr>,
    /// The key that all have.
    pub key: Key,
}

/// The link of one director to the others.
///
/// What is asked for here returns at once; what came of it, and what others ask for, is
/// told by [`Link::next`]. The threads end when this is dropped, and that ends what goes on.
/// It may wait for the kernel's backup daemon then, 10 seconds at most.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    /// For each peer, what it is to be asked.
    questions: Vec<Sender<Question>>,
    /// What is to be done with tables.
    work: Option<Sender<Work>>,
    /// Locked by whoever takes one.
    told: Mutex<Receiver<Told>>,
    threads: Vec<JoinHandle<()>>,
}

impl Link {
    /// Listens, in this network namespace or in that of the calling thread. **This starts
    /// threads**: `link-listen`, with up to eight `link-serve`; `link-transfer`; and for
    /// each peer `link-ask`. No connection is made before something is asked for.
    ///
    /// # Errors
    /// [`LinkError`]. Nothing is left behind then.
    pub fn start(settings: Settings, namespace: Option<&Namespace>) -> Result<Self, LinkError> {
        match namespace {
            // The threads are in it as the one that starts them is.
            Some(namespace) => namespace
                .run(|| Self::start_here(settings, connections::open))
                .map_err(LinkError::Namespace)?,
            None => Self::start_here(settings, connections::open),
        }
    }

    /// `open` opens the connection table that is sent to others.
    fn start_here<R: BufRead + 'static>(
        settings: Settings,
        open: impl Open<R> + Send + 'static,
    ) -> Result<Self, LinkError> {
        let open = Arc::new(open);
        let address = settings.listen;
        let server =
            Server::listen(address).map_err(|error| LinkError::Listen { address, error })?;
        let here = server.listener().local_addr().map_err(LinkError::System)?;
        let (tells, told) = mpsc::sync_channel(TOLD);
        let shared = Arc::new(Shared::new(here, settings, tells).map_err(LinkError::System)?);
        let told = Mutex::new(told);
        // What has started ends with this if something cannot.
        let mut link =
            Self { shared, questions: Vec::new(), work: None, told, threads: Vec::new() };
        for peer in 0..link.shared.peers.len() {
            let (asks, asked) = mpsc::channel();
            link.questions.push(asks);
            let open = Arc::clone(&open);
            link.spawn("link-ask", move |shared| ask_all(shared, peer, &asked, &*open))?;
        }
        let (wants, wanted) = mpsc::channel();
        link.work = Some(wants);
        let opens = Arc::clone(&open);
        link.spawn("link-transfer", move |shared| work_all(shared, &wanted, &*opens))?;
        link.shared.streams.also_end(server.listener()).map_err(LinkError::System)?;
        link.spawn("link-listen", move |shared| server.serve(shared, &*open))?;
        Ok(link)
    }

    fn spawn(
        &mut self,
        name: &str,
        run: impl FnOnce(&Arc<Shared>) + Send + 'static,
    ) -> Result<(), LinkError> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared));
        self.threads.push(thread.map_err(LinkError::System)?);
        Ok(())
    }

    /// Where it listens: as it was told to, or with the port that the system chose for 0.
    pub fn address(&self) -> SocketAddr {
        self.shared.here
    }

    /// Asks a peer what its virtual routers are: [`Told::Answer`] within 3 seconds, or later if
    /// it is being asked something else. One that is being asked that already is not asked
    /// twice, nor is one that does not exist.
    pub fn ask(&self, peer: usize) {
        self.question(peer, Question::Routers);
    }

    /// Asks a peer to have the router with this first virtual address hand over to this
    /// director, whose priority is this: [`Told::Claimed`] within 3 seconds, or later if it is
    /// being asked something already.
    pub fn claim(&self, peer: usize, address: IpAddr, priority: u8) {
        self.question(peer, Question::Claim(address, priority));
    }

    /// Asks a peer to take the connections of this director again, since the router with this
    /// first virtual address is about to hand over: [`Told::Prepared`] within 3 seconds, or
    /// later if it is being asked something already.
    pub fn prepare(&self, peer: usize, address: IpAddr) {
        self.question(peer, Question::Prepare(address));
    }

    /// Asks a peer to have the router with this first virtual address take over, and sends
    /// it the connections that have come since they were [noted](Self::note), or all:
    /// [`Told::Promoted`] within 23 seconds, or later if it is being asked something already.
    pub fn promote(&self, peer: usize, address: IpAddr) {
        self.question(peer, Question::Promote(address));
    }

    /// Takes the connection table of a peer: [`Told::Progress`] meanwhile, and
    /// [`Told::Transferred`] in the end. There is one transfer at a time, and others wait;
    /// who is waited for already is not put in the queue twice.
    pub fn transfer(&self, peer: usize) {
        if peer < self.shared.peers.len() && self.shared.want_table(peer) {
            // It fails only if that thread has panicked.
            let _ = self.work.as_ref().map(|work| work.send(Work::Transfer { peer }));
        }
    }

    /// Notes which connections are here, so that [`promote`](Self::promote) sends those that
    /// have come since: [`Told::Noted`], behind the transfers that are wanted. It takes
    /// 2 MiB until the next time.
    pub fn note(&self) {
        // It fails only if that thread has panicked.
        let _ = self.work.as_ref().map(|work| work.send(Work::Note));
    }

    /// From now on, this is what peers are told of the virtual routers here. Until then
    /// they are told of none.
    pub fn publish(&self, standings: &[Standing]) {
        self.shared.publish(standings);
    }

    /// From now on, these virtual addresses are active here: of connections to them only what is
    /// missing here is taken from the tables of peers, whose copies are older. Until then there
    /// are none.
    pub fn set_active(&self, addresses: Vec<IpAddr>) {
        self.shared.set_active(addresses);
    }

    /// Answers a [`Told::PromoteAsked`], [`Told::ClaimAsked`] or [`Told::PrepareAsked`]: it does
    /// that, or why not. After 2 seconds the peer has been told that there was
    /// no answer, and this is lost. What was not taken by [`next`](Self::next) until then is
    /// not told any more.
    pub fn answer(&self, request: u64, answer: Result<(), String>) {
        if let Some(asker) = self.shared.take_asker(request) {
            // Who asked may be gone.
            let _ = asker.send(answer);
        }
    }

    /// The next thing that happened, if there is one.
    ///
    /// 1,024 are kept. Of more the newest are lost.
    pub fn next(&self) -> Option<Told> {
        // What comes after this rings again. Nothing to clear is no failure.
        let _ = self.bell().read();
        loop {
            // Nothing that is done under the lock leaves it half changed.
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()?;
            match told {
                // The peer has been told that there was no answer, and goes on by itself.
                Told::PromoteAsked { request, .. }
                | Told::ClaimAsked { request, .. }
                | Told::PrepareAsked { request, .. }
                    if !self.shared.is_asked(request) => {}
                told => return Some(told),
            }
        }
    }

    /// What became of those that connected here.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    fn bell(&self) -> &EventFd {
        &self.shared.bell
    }

    fn question(&self, peer: usize, question: Question) {
        let Some(questions) = self.questions.get(peer) else { return };
        if self.shared.begin(peer, question) {
            // It fails only if that thread has panicked.
            let _ = questions.send(question);
        }
    }
}

/// To be polled for input. It is ready when something has happened since the last call of
/// [`Link::next`], which is to be called until there is nothing.
impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell().as_fd()
    }
}

/// What opens the connection table of this director.
trait Open<R: BufRead>: Fn() -> Result<Reader<R>, ReadError> + Sync {}

impl<R: BufRead, F: Fn() -> Result<Reader<R>, ReadError> + Sync> Open<R> for F {}

impl Drop for Link {
    fn drop(&mut self) {
        self.questions.clear();
        self.work = None;
        self.shared.end();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// How many things are kept for the user.
const TOLD: usize = 1_024;
