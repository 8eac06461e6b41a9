//! What the user has of virtual routers that run.

use super::message::{Answer, Command, Job, Told};
use super::queue::Queue;
use super::{Error, Record, Settings, Status};
use crate::vrrp::Rank;
use nix::sys::eventfd::EventFd;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Virtual routers that run. They end when this is dropped: active ones resign, their
/// addresses are removed, and the threads have ended.
///
/// A command returns when it was carried out, and what the router is then. Its addresses
/// may still be on their way: [`Event::State`](super::Event::State) says when they are
/// there.
#[derive(Debug)]
pub struct Handle {
    adverts: Arc<Queue<Told>>,
    worker: Arc<Queue<Job>>,
    /// Locked by whoever waits for one, which keeps nobody from giving commands.
    records: Mutex<Receiver<Record>>,
    bell: Arc<EventFd>,
    adverts_thread: Option<JoinHandle<()>>,
    worker_thread: Option<JoinHandle<()>>,
}

impl Handle {
    pub(super) fn new(
        adverts: Arc<Queue<Told>>,
        worker: Arc<Queue<Job>>,
        (records, bell): (Receiver<Record>, Arc<EventFd>),
        worker_thread: JoinHandle<()>,
    ) -> Self {
        let (records, worker_thread) = (Mutex::new(records), Some(worker_thread));
        Self { adverts, worker, records, bell, adverts_thread: None, worker_thread }
    }

    pub(super) fn adverts_run(&mut self, thread: JoinHandle<()>) {
        self.adverts_thread = Some(thread);
    }

    /// The next thing that happened. Waits for it so long at most.
    ///
    /// Commands can be given by other threads meanwhile. Of several threads that call this
    /// each waits for the one before.
    ///
    /// 4,096 are kept. Of more the newest are lost.
    pub fn next(&self, timeout: Duration) -> Option<Record> {
        // What comes after this rings again. Nothing to clear is no failure.
        let _ = self.bell.read();
        self.records().recv_timeout(timeout).ok()
    }

    /// The router goes on as what it is with other settings, and without a gap in its
    /// advertisements. A condition that it tracked before is as well as it was told last; keys
    /// can be changed without refusing what was signed with one that both settings have.
    ///
    /// # Errors
    /// [`Error::Fixed`] for another interface, prefix, virtual MAC address or group, and from
    /// the group to unicast peers or back; [`Error::NoSuchRouter`]; and all that
    /// [`spawn`](super::spawn) finds wrong in the values themselves and, of an owner, with the
    /// addresses of its interface. Nothing has changed then.
    pub fn reconfigure(&self, router: usize, settings: Settings) -> Result<Status, Error> {
        self.command(router, Command::Reconfigure(Box::new(settings)))
    }

    /// The same with another rank, which is all that changes.
    ///
    /// # Errors
    /// As [`Handle::reconfigure`].
    pub fn set_rank(&self, router: usize, rank: Rank) -> Result<Status, Error> {
        self.command(router, Command::SetRank(rank))
    }

    /// A condition that the router tracks is well or not.
    ///
    /// # Errors
    /// [`Error::Track`] and [`Error::NoSuchRouter`].
    pub fn track(&self, router: usize, name: &str, is_well: bool) -> Result<Status, Error> {
        self.command(router, Command::Track { name: name.to_owned(), is_well })
    }

    /// The connections of the active router are here, or no longer.
    ///
    /// # Errors
    /// [`Error::NoSuchRouter`].
    pub fn sync_ready(&self, router: usize, is_ready: bool) -> Result<Status, Error> {
        self.command(router, Command::SyncReady(is_ready))
    }

    /// The active router hands over though all is well, and takes the addresses back only
    /// if nobody is heard.
    ///
    /// # Errors
    /// [`Error::NoSuchRouter`].
    pub fn resign(&self, router: usize) -> Result<Status, Error> {
        self.command(router, Command::Resign)
    }

    /// The same for one of higher priority that has asked for it. That one is preempted as any
    /// other if its priority falls.
    ///
    /// # Errors
    /// [`Error::NoSuchRouter`].
    pub fn give_way(&self, router: usize) -> Result<Status, Error> {
        self.command(router, Command::GiveWay)
    }

    /// A backup takes over at once. It stays active only if none of higher priority is.
    ///
    /// # Errors
    /// [`Error::NoSuchRouter`].
    pub fn promote(&self, router: usize) -> Result<Status, Error> {
        self.command(router, Command::Promote)
    }

    /// What the router is, and what came to it.
    ///
    /// # Errors
    /// [`Error::NoSuchRouter`].
    pub fn status(&self, router: usize) -> Result<Status, Error> {
        self.command(router, Command::Status)
    }

    /// Ends as a drop does, and returns what happened until the end and was not taken yet.
    pub fn stop(mut self) -> Vec<Record> {
        self.end();
        self.records().try_iter().collect()
    }

    fn records(&self) -> MutexGuard<'_, Receiver<Record>> {
        // Nothing that is done under the lock leaves it half changed.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, router: usize, command: Command) -> Answer {
        let (reply, answer) = mpsc::channel();
        self.adverts.push(Told::Command { router, command, reply, owns: None });
        answer.recv().unwrap_or(Err(Error::Ended))
    }

    fn end(&mut self) {
        match self.adverts_thread.take() {
            Some(thread) => {
                self.adverts.push(Told::Stop);
                // It has no way to panic, and if it had the worker must end all the same.
                if thread.join().is_err() {
                    self.worker.push(Job::End);
                }
            }
            None => self.worker.push(Job::End),
        }
        if let Some(thread) = self.worker_thread.take() {
            let _ = thread.join();
        }
    }
}

/// To be polled for input by one who waits for other things too. It is ready when
/// something has happened since the last call of [`Handle::next`], which is to be called
/// until there is nothing.
impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.worker_thread.is_some() {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_can_wait_while_another_gives_commands() {
        const fn is_shared<T: Send + Sync>() {}
        is_shared::<Handle>();
    }
}
