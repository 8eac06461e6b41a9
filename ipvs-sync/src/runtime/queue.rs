//! What one thread hands to another.

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A queue with a descriptor that can be polled while something is in it.
///
/// The thread of the advertisements uses only what never waits. If the lock is another's
/// at that moment it goes on and comes back: whoever holds it rings afterwards.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// Nothing once the thread that takes has ended.
    items: Mutex<Option<VecDeque<T>>>,
    bell: EventFd,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Result<Self, Errno> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let items = Mutex::new(Some(VecDeque::new()));
        Ok(Self { items, bell: EventFd::from_flags(flags)? })
    }

    /// May wait for the other thread to finish putting or taking. If the one that takes has
    /// ended, the item is dropped.
    pub(super) fn push(&self, item: T) {
        if let Some(items) = &mut *self.lock() {
            items.push_back(item);
        }
        self.ring();
    }

    /// May wait for the other thread to finish putting or taking.
    pub(super) fn take(&self) -> VecDeque<T> {
        self.clear();
        self.lock().as_mut().map(mem::take).unwrap_or_default()
    }

    /// Hands over all of these, or none; whether it did. Never waits.
    pub(super) fn offer(&self, offered: &mut VecDeque<T>) -> bool {
        match self.items.try_lock() {
            Ok(mut items) => match &mut *items {
                Some(items) => items.append(offered),
                None => offered.clear(),
            },
            Err(_) => return false,
        }
        self.ring();
        true
    }

    /// What is there, unless the other thread is just putting something in, which rings
    /// again then. Never waits.
    pub(super) fn try_take(&self) -> VecDeque<T> {
        self.clear();
        let items = self.items.try_lock().ok();
        items.and_then(|mut items| items.as_mut().map(mem::take)).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<T>>> {
        // Nothing that is done under the lock leaves the queue half changed.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It fails only where it has been rung 2^64 times.
        let _ = self.bell.write(1);
    }

    fn clear(&self) {
        // Nothing to clear is no failure.
        let _ = self.bell.read();
    }
}

/// Belongs to the thread that takes. When that ends, however it does, what is in the queue
/// is dropped and what comes later too, so that nobody waits for an answer.
pub(super) struct Taker<T>(pub(super) Arc<Queue<T>>);

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        // Dropped after the lock is released.
        let items = self.0.lock().take();
        drop(items);
    }
}

impl<T> AsFd for Queue<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::sync::mpsc;
    use std::thread;

    fn rings(queue: &Queue<u8>) -> bool {
        let mut polled = [PollFd::new(queue.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::ZERO).unwrap() == 1
    }

    #[test]
    fn it_rings_until_all_is_taken() {
        let queue = Queue::new().unwrap();
        assert!(!rings(&queue));
        queue.push(1);
        let mut more = VecDeque::from([2, 3]);
        assert!(queue.offer(&mut more));
        assert!(more.is_empty() && rings(&queue));
        assert_eq!(queue.try_take(), [1, 2, 3]);
        assert!(!rings(&queue));
        assert!(queue.take().is_empty());
    }

    #[test]
    fn when_the_thread_that_takes_has_ended_nobody_waits_for_an_answer() {
        let queue = Arc::new(Queue::new().unwrap());
        let taker = Taker(Arc::clone(&queue));
        let (reply, answer) = mpsc::channel::<()>();
        queue.push(reply.clone());
        let thread = thread::spawn(move || {
            let _taker = taker;
            panic!("as it never should");
        });
        assert!(thread.join().is_err());
        queue.push(reply.clone());
        assert!(queue.offer(&mut VecDeque::from([reply])));
        assert!(answer.recv().is_err());
        assert!(queue.take().is_empty() && queue.try_take().is_empty());
    }

    #[test]
    fn while_the_other_holds_the_lock_nothing_waits_and_nothing_is_lost() {
        let queue = Queue::new().unwrap();
        queue.push(1);
        let mut more = VecDeque::from([2]);
        let held = queue.lock();
        assert!(queue.try_take().is_empty());
        assert!(!queue.offer(&mut more));
        drop(held);
        // As the holder does, which had something to put.
        queue.ring();
        assert!(queue.offer(&mut more));
        assert_eq!(queue.try_take(), [1, 2]);
    }
}
