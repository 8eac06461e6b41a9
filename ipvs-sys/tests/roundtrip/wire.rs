//! The protocol written down a second time: attributes as lists.

use ipvs_sys::Attrs;
use netlink_packet_core::{NlaBuffer, NlasIterator};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Attributes in order.
pub(crate) type Wire = Vec<(u16, Vec<u8>)>;

/// The list of those that are there.
pub(crate) fn wire<const N: usize>(fields: [(u16, Option<Vec<u8>>); N]) -> Wire {
    fields.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect()
}

/// The bytes of attributes, each with its padding.
pub(crate) fn bytes(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, value) in attributes {
        let length = u16::try_from(4 + value.len()).expect("short values");
        bytes.extend(length.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// A string's value: with its NUL.
pub(crate) fn string(value: &[u8]) -> Vec<u8> {
    [value, &[0]].concat()
}

/// Bytes that mean what `wire` means: in any order, with flags, after
/// attributes of the same types with other values, among unknown ones, without
/// the last padding. `nests` are the types that are nests.
pub(crate) fn disturbed(wire: Wire, nests: &'static [u16]) -> impl Strategy<Value = Vec<u8>> {
    let others: Wire = wire
        .iter()
        .map(|(kind, value)| {
            // A nest must stay readable: an empty one.
            let length = if nests.contains(kind) { 0 } else { value.len() };
            (*kind, value.iter().take(length).map(|byte| !byte).collect())
        })
        .collect();
    let count = others.len();
    let unknown = vec((100u16..0x3fff, vec(any::<u8>(), 0..9)), 0..4);
    let shuffled = unknown
        .prop_flat_map(move |unknown| Just([&wire[..], &unknown[..]].concat()).prop_shuffle());
    let flags = vec(select(&[0u16, 0x8000, 0x4000, 0xc000][..]), 40);
    (subsequence(others, 0..=count), shuffled, flags, any::<bool>()).prop_map(
        |(first, then, flags, padded)| {
            let mut attributes = [first, then].concat();
            attributes.iter_mut().zip(flags).for_each(|((kind, _), flag)| *kind |= flag);
            let mut bytes = bytes(&attributes);
            if let (false, Some((_, value))) = (padded, attributes.last()) {
                bytes.truncate(bytes.len() - (value.len().next_multiple_of(4) - value.len()));
            }
            bytes
        },
    )
}

/// Checks that netlink-packet-core's iterator and ours find the same.
pub(crate) fn iterators_agree(bytes: &[u8]) {
    let ours = Attrs::new(bytes, "test").map(|attr| attr.expect("good bytes"));
    let ours: Vec<_> = ours.map(|attr| (attr.kind, attr.value)).collect();
    let theirs = NlasIterator::new(bytes).map(|nla| nla.expect("good bytes"));
    let theirs: Vec<NlaBuffer<&[u8]>> = theirs.collect();
    let theirs: Vec<_> = theirs.iter().map(|nla| (nla.kind(), nla.value())).collect();
    assert_eq!(ours, theirs);
}

/// The contents of a STATS or STATS64 nest; nobody reads them.
pub(crate) fn stats_nest() -> impl Strategy<Value = Attrs<'static>> {
    vec(any::<u8>(), 0..130).prop_map(|bytes| Attrs::new(bytes.leak(), "stats"))
}
