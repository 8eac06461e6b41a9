//! A connection table of a million lines is read with the memory of one line.
//!
//! One test in a binary of its own, for its allocator. It counts by thread: the
//! test runs long enough that others of the process allocate meanwhile.

use ipvs::connections::{Reader, State};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, BufReader, Read};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Without the thread's counter, it is ending and counts no more.
fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

struct Counting;

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer
        // came from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`, and the pointer
        // came from the same allocator.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const LINES: u32 = 1_000_000;

/// A table that is made as it is read.
struct Table {
    next: u32,
    rest: &'static [u8],
}

const TITLE: &[u8] = b"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n";
const SPOILED: &[u8] = b"spoiled\n";
const ROWS: [&[u8]; 4] = [
    b"TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED     899\n",
    b"TCP C0000209 0000 0A000001 0050 C0A80001 1F90 NEW_ONE          59\n",
    b"IP  C0000209 0000 00000007 0000 C0A80001 0000 NONE        LOCAL       59\n",
    b"UDP fd00:0000:0000:0000:0000:0000:0000:0001 C350 fd00:0000:0000:0000:0000:0000:0000:0002 \
      0035 C0A80001 0035 UDP             299\n",
];

impl Read for Table {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.next < LINES {
            self.rest = match self.next {
                spoiled if spoiled % 1000 == 0 => SPOILED,
                other => ROWS.get(other as usize % 4).copied().unwrap_or_default(),
            };
            self.next += 1;
        }
        self.rest.read(buffer)
    }
}

#[test]
fn a_million_connections_are_read_without_an_allocation() {
    let mut reader = Reader::new(BufReader::new(Table { next: 0, rest: TITLE }));
    let before = ALLOCATIONS.get();
    let (mut connections, mut errors, mut established) = (0, 0, 0);
    for found in &mut reader {
        match found {
            Ok(connection) => {
                connections += 1;
                established += u32::from(connection.state == State::Established);
            }
            Err(_) => errors += 1,
        }
    }
    let allocations = ALLOCATIONS.get() - before;
    assert_eq!(allocations, 0);
    assert_eq!((connections, errors), (LINES - LINES / 1000, LINES / 1000));
    assert_eq!(established, LINES / 4 - LINES / 1000);
}
