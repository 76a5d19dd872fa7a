//! From which network?

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::types::{Condition, InvalidCondition, Network, Principal};

/// An address in one of these networks. An IPv4 address written as IPv6 (`::ffff:192.0.2.1`)
/// counts as the IPv4 address it is.
///
/// ```
/// use portcullis::policy::conditions::Within;
/// use portcullis::types::Condition;
///
/// let here = Within::networks(["127.0.0.0/8", "::1"])?;
/// assert_eq!(here.explain(), "from 127.0.0.0/8 or ::1/128");
/// # Ok::<(), portcullis::types::InvalidCondition>(())
/// ```
#[derive(Clone, Debug)]
pub struct Within {
    networks: Vec<IpNet>,
}

impl Within {
    /// Networks as stored.
    ///
    /// # Errors
    /// [`InvalidCondition`] where there is none.
    pub fn new(networks: &[Network]) -> Result<Self, InvalidCondition> {
        if networks.is_empty() {
            return Err(InvalidCondition("no network is named".to_owned()));
        }
        Ok(Self { networks: networks.iter().map(|network| canonical(network.0)).collect() })
    }

    /// Networks as text, in CIDR form; a single address is a network of its own.
    ///
    /// # Errors
    /// [`InvalidCondition`] where one cannot be read.
    pub fn networks<'a>(
        networks: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidCondition> {
        let networks: Result<Vec<Network>, _> = networks.into_iter().map(str::parse).collect();
        Self::new(&networks?)
    }

    /// Whether the address is in one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// A network of mapped addresses as the IPv4 network it is.
fn canonical(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(six) if six.prefix_len() >= 96 => match six.addr().to_canonical() {
            IpAddr::V4(four) => ipnet::Ipv4Net::new(four, six.prefix_len() - 96)
                .map_or(network, |net| IpNet::V4(net.trunc())),
            IpAddr::V6(_) => network.trunc(),
        },
        _ => network.trunc(),
    }
}

impl Condition for Within {
    fn explain(&self) -> Cow<'static, str> {
        let networks: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
        format!("from {}", networks.join(" or ")).into()
    }

    fn holds(&self, who: &Principal) -> bool {
        who.context.address.is_some_and(|address| self.contains(address))
    }

    fn is_known(&self, who: &Principal) -> bool {
        who.context.address.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(networks: &[&str], address: &str) -> bool {
        Within::networks(networks.iter().copied()).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn mapped_addresses_are_the_addresses_they_map() {
        assert!(within(&["127.0.0.0/8"], "::ffff:127.0.0.1"));
        assert!(within(&["::ffff:10.0.0.0/104"], "10.1.2.3"));
        assert!(!within(&["127.0.0.0/8"], "::1"));
        assert!(within(&["::1"], "::1"));
        assert!(!within(&["10.0.0.0/8"], "11.0.0.0"));
    }

    #[test]
    fn a_network_that_is_none_is_refused() {
        assert!(Within::networks(["10.0.0.0/33"]).is_err());
        assert!(Within::networks(["home"]).is_err());
        assert!(Within::networks([]).is_err());
    }

    #[test]
    fn an_address_nobody_knows_is_in_no_network() {
        let everywhere = Within::networks(["0.0.0.0/0", "::/0"]).unwrap();
        assert!(!everywhere.holds(&Principal::guest()));
    }
}
