//! What is heard of a table.

use crate::peer::{LeftOut, Message, Refused};
use crate::proto::{self, Message as SyncMessage};

/// What the joining director has heard of a table, and whether that can be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    read: u64,
    end: Option<LeftOut>,
}

impl Told {
    /// Takes a message down and returns the connections in it, none if it is the end.
    ///
    /// # Errors
    /// [`Refused::Order`] for what does not come then, and [`Refused::Datagram`]. Nothing
    /// was taken down.
    pub fn hear<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<SyncMessage<'a>>, Refused> {
        match Message::read(bytes)? {
            Message::Data { read, datagram } if self.end.is_none() && read >= self.read => {
                let told = match datagram {
                    [] => None,
                    datagram => Some(proto::receive(datagram, 0).map_err(Refused::Datagram)?),
                };
                let count = told.map_or(0, |told| u64::from(told.count));
                if count > read - self.read {
                    return Err(Refused::Order);
                }
                self.read = read;
                Ok(told)
            }
            Message::End { read, left_out } if self.end.is_none() && read >= self.read => {
                self.read = read;
                self.end = Some(left_out);
                Ok(None)
            }
            _ => Err(Refused::Order),
        }
    }

    /// How many of its table the active director has read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// How many it left out, once all has been heard.
    pub fn end(&self) -> Option<LeftOut> {
        self.end
    }
}
