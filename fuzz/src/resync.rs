//! A target that hears a peer. A panic is a finding.
//!
//! The tests of `ipvs-sync` include this file to replay the corpora.

use ipvs_sync::peer::{Channel, Key, LONGEST, Message, Refused, Standing};
use ipvs_sync::resync::Told;

/// The bytes as a stream of frames: from one without the key, to both sides, and as what
/// one with the key says.
pub fn resync_peer(data: &[u8]) {
    without_key(Channel::answering(&KEY), data);
    without_key(Channel::asking(&KEY), data);
    with_key(data);
}

const KEY: Key = Key::new([7; 32]);

/// Nothing passes, and nothing is read after the first frame.
fn without_key(mut channel: Channel, data: &[u8]) {
    let Some((header, rest)) = data.split_first_chunk() else { return };
    let length = match channel.length(*header) {
        Ok(length) => length,
        Err(refused) => return assert!(matches!(refused, Refused::Frame { max: 48, .. })),
    };
    let Some(frame) = rest.get(..length) else { return };
    assert_eq!(channel.greeted(frame), Err(Refused::Key));
    assert_eq!(channel.greeted(frame), Err(Refused::Order));
    assert_eq!(channel.open(frame, &mut Vec::new()), Err(Refused::Order));
    assert!(matches!(channel.length([0, 1]), Err(Refused::Frame { max: 0, .. })));
}

/// What is read of virtual routers is read again as it is written.
fn standings(bytes: &[u8]) {
    let Ok(all) = Standing::read_all(bytes) else { return };
    let mut written = Vec::new();
    all.iter().for_each(|standing| standing.write(&mut written));
    assert_eq!(written.len(), bytes.len());
    assert_eq!(Standing::read_all(&written), Ok(all));
}

/// Each message passes both channels as it was, and what is told counts right.
fn with_key(data: &[u8]) {
    let (mut joining, mut active) = (Channel::asking(&KEY), Channel::answering(&KEY));
    let mut frame = Vec::new();
    let mut greet = |from: &mut Channel, to: &mut Channel| {
        from.greet(&mut frame).and_then(|()| to.greeted(frame.get(2..).unwrap_or_default()))
    };
    assert_eq!(greet(&mut joining, &mut active), Ok(()));
    assert_eq!(greet(&mut active, &mut joining), Ok(()));
    let (mut told, mut heard) = (Told::default(), Vec::new());
    let mut rest = data;
    while let Some((header, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*header)).min(LONGEST);
        let (message, after) = after.split_at(length.min(after.len()));
        rest = after;
        assert_eq!(active.seal(message, &mut frame), Ok(()));
        let (length, sealed) = frame.split_at(2);
        let [high, low] = length else { unreachable!("a length of two bytes") };
        assert_eq!(joining.length([*high, *low]), Ok(sealed.len()));
        assert_eq!(joining.open(sealed, &mut heard), Ok(()));
        assert_eq!(heard, message);
        if let Ok(read) = Message::read(message) {
            let mut written = Vec::new();
            read.write(&mut written);
            assert_eq!(written, message);
            if let Message::Part { bytes } = read {
                standings(bytes);
            }
        }
        let before = (told.read(), told.end());
        match told.hear(message) {
            Ok(connections) => {
                let count = connections.map_or(0, |connections| connections.count);
                assert!(before.1.is_none() && told.read() - before.0 >= count.into());
            }
            Err(_) => assert_eq!((told.read(), told.end()), before),
        }
    }
    // The same frame again, after which there is nothing more.
    if let Some(sealed) = frame.get(2..).filter(|_| !data.is_empty()) {
        assert!(joining.open(sealed, &mut heard).is_err());
        assert_eq!(joining.open(sealed, &mut heard), Err(Refused::Order));
    }
}
