//! What the frames of announcements, questions and answers have in common.

/// Puts parts together to a frame, whose length is that of all parts.
pub(super) fn assemble<const LENGTH: usize>(parts: &[&[u8]]) -> [u8; LENGTH] {
    let mut frame = [0; LENGTH];
    let bytes = parts.iter().copied().flatten();
    frame.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    frame
}

/// So many bytes from there on, if there are.
pub(super) fn take<const LENGTH: usize>(frame: &[u8], at: usize) -> Option<[u8; LENGTH]> {
    frame.get(at..)?.first_chunk().copied()
}
