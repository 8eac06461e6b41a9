//! The types of the values.

/// A type that a sysctl has.
pub trait Value: Sized {
    /// Reads what the kernel shows.
    fn parse(text: &str) -> Option<Self>;

    /// What is written.
    fn text(&self) -> String;
}

/// A defence against floods of connections, which costs something itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Defence {
    /// 0: never.
    Off,
    /// 1: when memory runs low (`amemthresh`); it does not now. The kernel
    /// changes this to the next by itself and back (`ip_vs_ctl.c:
    /// update_defense_level`).
    Automatic,
    /// 2: when memory runs low, and it does now.
    AutomaticActive,
    /// 3: always.
    Always,
}

/// When a connection is sent to the backups (`ip_vs_sync.c:
/// ip_vs_sync_conn_needed`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct SyncThreshold {
    /// After so many packets; less than `period`, unless that is 0.
    pub packets: u32,
    /// Then again after every so many; 0 for never.
    pub period: u32,
}

impl Value for bool {
    /// The kernel keeps numbers, and takes each but 0 for yes.
    fn parse(text: &str) -> Option<Self> {
        text.parse::<i32>().ok().map(|number| number != 0)
    }

    fn text(&self) -> String {
        u8::from(*self).to_string()
    }
}

impl Value for u32 {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for i32 {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for u64 {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl Value for Defence {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::Off),
            "1" => Some(Self::Automatic),
            "2" => Some(Self::AutomaticActive),
            "3" => Some(Self::Always),
            _ => None,
        }
    }

    fn text(&self) -> String {
        let number = match self {
            Self::Off => 0,
            Self::Automatic => 1,
            Self::AutomaticActive => 2,
            Self::Always => 3,
        };
        number.to_string()
    }
}

impl Value for SyncThreshold {
    fn parse(text: &str) -> Option<Self> {
        let (packets, period) = text.split_once(|sign: char| sign.is_ascii_whitespace())?;
        Some(Self { packets: packets.parse().ok()?, period: period.trim_ascii().parse().ok()? })
    }

    fn text(&self) -> String {
        format!("{} {}", self.packets, self.period)
    }
}
