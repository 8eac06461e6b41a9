//! An allocator that counts what each thread asks for: other threads of the
//! process, the test harness' first one among them, allocate meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

/// How often this thread has allocated, and how many bytes it has that it has
/// not given back.
pub(crate) fn counted() -> (usize, isize) {
    (ALLOCATIONS.get(), BYTES.get())
}

/// How often `work` allocates.
pub(crate) fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let (before, _) = counted();
    black_box(work());
    counted().0 - before
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Without the thread's counters, it is ending and counts no more.
fn count(allocations: usize, got: usize, given: usize) {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + allocations));
    // No allocation has more bytes than `isize::MAX`.
    let signed = |bytes| isize::try_from(bytes).unwrap_or(isize::MAX);
    let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + signed(got) - signed(given)));
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, 0, layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer
        // came from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`, and the pointer
        // came from the same allocator.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
