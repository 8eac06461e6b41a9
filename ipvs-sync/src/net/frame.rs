//! What the frames of announcements have in common.

/// Puts parts together to a frame, whose length is that of all parts.
pub(super) fn assemble<const LENGTH: usize>(parts: &[&[u8]]) -> [u8; LENGTH] {
    let mut frame = [0; LENGTH];
    let bytes = parts.iter().copied().flatten();
    frame.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    frame
}

/// The Internet checksum (RFC 1071) of parts, each of an even length.
pub(super) fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let pairs = parts.iter().flat_map(|part| part.chunks(2));
    let words = pairs.map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_example_of_rfc_1071() {
        let parts: [&[u8]; 2] = [&[0x00, 0x01, 0xf2, 0x03], &[0xf4, 0xf5, 0xf6, 0xf7]];
        assert_eq!(checksum(&parts), (!0xddf2_u16).to_be_bytes());
    }
}
