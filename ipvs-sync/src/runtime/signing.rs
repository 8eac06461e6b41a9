//! Signed advertisements: nothing is signed, and all is right, without the feature or
//! without a key.

use crate::vrrp::packet::{Accepted, Advertisement, Rejected};
use std::net::IpAddr;

#[cfg(feature = "hmac")]
mod with_keys {
    use super::{Accepted, Advertisement, IpAddr, Rejected};
    use crate::vrrp::packet::auth_hmac::{Authenticator, Settings};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Signs and verifies, if there is a key.
    #[derive(Debug)]
    pub(in crate::runtime) struct Signing(Option<Authenticator>);

    impl Signing {
        pub(in crate::runtime) fn new(settings: Option<Settings>) -> Self {
            Self(settings.map(Authenticator::new))
        }

        /// Goes on with other keys, or without.
        pub(in crate::runtime) fn change(&mut self, settings: Option<Settings>) {
            match (&mut self.0, settings) {
                (Some(authenticator), Some(settings)) => authenticator.change(settings),
                (_, settings) => *self = Self::new(settings),
            }
        }

        /// What follows the message.
        pub(in crate::runtime) fn trailer(
            &mut self,
            advertisement: &Advertisement<'_>,
            source: IpAddr,
        ) -> Vec<u8> {
            let signed = self.0.as_mut().and_then(|it| it.sign(advertisement, source, wall()));
            signed.map(Vec::from).unwrap_or_default()
        }

        pub(in crate::runtime) fn verify(
            &mut self,
            accepted: &Accepted<'_>,
        ) -> Result<(), Rejected> {
            self.0.as_mut().map_or(Ok(()), |it| it.verify(accepted, wall()).map(drop))
        }
    }

    /// The time since 1970.
    fn wall() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(feature = "hmac")]
pub(super) use with_keys::Signing;

/// Signs nothing.
#[cfg(not(feature = "hmac"))]
#[derive(Debug)]
pub(super) struct Signing;

#[cfg(not(feature = "hmac"))]
impl Signing {
    pub(super) fn trailer(&mut self, _: &Advertisement<'_>, _: IpAddr) -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn verify(&mut self, _: &Accepted<'_>) -> Result<(), Rejected> {
        Ok(())
    }
}
