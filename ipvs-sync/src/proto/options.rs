//! The options of a record. Never panics and never allocates, whatever the bytes.

use super::rejected::Rejected;
use ipvs::ipvs_sys::put::Put;
use std::fmt;

/// How far sequence numbers are shifted in both directions, as an application helper such
/// as that of FTP does when it changes the length of what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sequences {
    /// From the client.
    pub incoming: Sequence,
    /// To the client.
    pub outgoing: Sequence,
}

/// How far the sequence numbers of one direction are shifted (`struct ip_vs_seq`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// From which number on [`delta`](Self::delta) counts.
    pub initial: u32,
    /// What is added from there on, modulo 2^32.
    pub delta: u32,
    /// What is added before.
    pub previous_delta: u32,
}

/// The options that this crate does not know, of those up to the first one that a backup
/// which does not know it may not pass over.
#[derive(Clone, Copy, Default)]
pub struct Others<'a>(pub(super) &'a [u8]);

/// An option that this crate does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OtherOption<'a> {
    /// Its type.
    pub kind: u8,
    /// Its data: 1 to 255 bytes.
    pub data: &'a [u8],
}

/// The length of [`Sequences`] on the wire, in bytes.
pub(super) const SEQUENCES_LEN: usize = 24;
/// `IP_VS_PENAME_MAXLEN`.
pub(super) const ENGINE_NAME_MAX: usize = 16;
/// `IP_VS_PEDATA_MAXLEN`.
pub(super) const ENGINE_DATA_MAX: usize = 255;

pub(super) const SEQUENCES: u8 = 1;
pub(super) const ENGINE_DATA: u8 = 2;
pub(super) const ENGINE_NAME: u8 = 3;

/// `IPVS_OPT_F_PARAM`: the option may be passed over.
const MAY_BE_SKIPPED: u8 = 0x40;

/// The options that are known, and where the others are.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) sequences: Option<Sequences>,
    pub(super) engine_data: Option<&'a [u8]>,
    pub(super) engine_name: Option<&'a [u8]>,
    pub(super) others: Others<'a>,
}

impl<'a> Options<'a> {
    /// Reads what follows the addresses of a record, as
    /// `ip_vs_sync.c: ip_vs_proc_sync_conn` does.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Rejected> {
        let mut options = Self { others: Others(bytes), ..Self::default() };
        let mut rest = bytes;
        while let Some(option) = next(&mut rest)? {
            let data = option.data;
            match option.known() {
                Some(SEQUENCES) => {
                    let length = data.len();
                    let sequences = Sequences::read(data, u32::from_be_bytes)
                        .ok_or(Rejected::SequencesLength { length })?;
                    once(&mut options.sequences, sequences, SEQUENCES)?;
                }
                Some(ENGINE_NAME) if data.len() > ENGINE_NAME_MAX => {
                    return Err(Rejected::EngineNameLength { length: data.len() });
                }
                Some(ENGINE_NAME) => once(&mut options.engine_name, data, ENGINE_NAME)?,
                Some(_) => once(&mut options.engine_data, data, ENGINE_DATA)?,
                None if option.may_be_skipped() => {}
                // The kernel drops the connection, and does not look at what follows.
                None => break,
            }
        }
        Ok(options)
    }
}

fn once<V>(place: &mut Option<V>, value: V, kind: u8) -> Result<(), Rejected> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Rejected::OptionTwice { kind }),
    }
}

/// Takes the first option from the bytes.
fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<OtherOption<'a>>, Rejected> {
    let (kind, length, data) = match **rest {
        [] => return Ok(None),
        [kind] => return Err(Rejected::OptionLength { kind, length: 0, have: 0 }),
        [kind, length, ref data @ ..] => (kind, usize::from(length), data),
    };
    match data.split_at_checked(length) {
        Some((data, after)) if length > 0 => {
            *rest = after;
            Ok(Some(OtherOption { kind, data }))
        }
        _ => Err(Rejected::OptionLength { kind, length, have: data.len() }),
    }
}

impl OtherOption<'_> {
    /// Whether a backup that does not know it takes the connection without it.
    pub const fn may_be_skipped(&self) -> bool {
        self.kind & MAY_BE_SKIPPED != 0
    }

    /// Its type without the bit that says whether it may be passed over, if it is known.
    fn known(&self) -> Option<u8> {
        let kind = self.kind & !MAY_BE_SKIPPED;
        matches!(kind, SEQUENCES | ENGINE_DATA | ENGINE_NAME).then_some(kind)
    }
}

impl<'a> Others<'a> {
    /// None.
    pub const NONE: Self = Self(&[]);

    /// Each, in the order of the record.
    pub fn iter(&self) -> impl Iterator<Item = OtherOption<'a>> + use<'a> {
        let mut rest = self.0;
        let all = std::iter::from_fn(move || {
            let option = next(&mut rest).ok().flatten()?;
            if option.known().is_none() && !option.may_be_skipped() {
                rest = &[];
            }
            Some(option)
        });
        all.filter(|option| option.known().is_none())
    }
}

impl PartialEq for Others<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Others<'_> {}

impl fmt::Debug for Others<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Sequences {
    /// Reads them, with numbers in the byte order of `number`; `None` if they are of
    /// another length.
    pub(super) fn read(bytes: &[u8], number: fn([u8; 4]) -> u32) -> Option<Self> {
        let bytes: &[u8; SEQUENCES_LEN] = bytes.try_into().ok()?;
        let mut numbers = bytes.chunks_exact(4).filter_map(|word| word.first_chunk().copied());
        let mut sequence = || {
            let mut next = || numbers.next().map(number);
            Some(Sequence { initial: next()?, delta: next()?, previous_delta: next()? })
        };
        Some(Self { incoming: sequence()?, outgoing: sequence()? })
    }

    /// Their numbers in order, in the byte order of `bytes`.
    pub(super) fn words(&self, bytes: fn(u32) -> [u8; 4]) -> [[u8; 4]; 6] {
        let Self { incoming: i, outgoing: o } = self;
        [i.initial, i.delta, i.previous_delta, o.initial, o.delta, o.previous_delta].map(bytes)
    }
}

/// Writes an option, whose data is 1 to 255 bytes.
pub(super) fn write<P: Put>(kind: u8, data: &[u8], out: &mut P) {
    out.put(&[kind, u8::try_from(data.len()).unwrap_or(u8::MAX)]);
    out.put(data);
}
