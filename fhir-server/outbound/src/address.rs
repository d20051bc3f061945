//! Which addresses a URL out of data may lead to, as a table.
//! <https://www.iana.org/assignments/iana-ipv4-special-registry>
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anybody's machine on the internet.
    Public,
    /// A machine of the operator's own network, or this one: for hosts that the settings allow.
    Inside,
    /// Nothing that a URL may lead to: link-local (there a cloud hands out its credentials), multicast,
    /// other notations of an address of version 4, documentation.
    Never,
}

use Class::{Inside, Never, Public};

/// Network, length of its prefix, class. The first that holds the address decides; the rest is public.
const V4: &[(Ipv4Addr, u32, Class)] = &[
    (Ipv4Addr::new(10, 0, 0, 0), 8, Inside),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Inside), // shared by customers of a carrier
    (Ipv4Addr::new(127, 0, 0, 0), 8, Inside),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Inside),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Inside),
    (Ipv4Addr::new(0, 0, 0, 0), 8, Never),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Never), // link-local
    (Ipv4Addr::new(192, 0, 0, 0), 24, Never),   // protocols
    (Ipv4Addr::new(192, 0, 2, 0), 24, Never),   // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24, Never), // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24, Never), // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24, Never), // relays of 6to4
    (Ipv4Addr::new(192, 175, 48, 0), 24, Never), // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15, Never),  // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24, Never), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24, Never), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3, Never),    // multicast, reserved, broadcast
];

/// As above; but here the rest is nothing, for only 2000::/3 has been given out.
const V6: &[(Ipv6Addr, u32, Class)] = &[
    (Ipv6Addr::LOCALHOST, 128, Inside),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Inside), // unique-local
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Never), // Teredo, ORCHID, benchmarks
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Never), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Never), // 6to4 holds one of version 4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Never), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Never), // documentation
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Public),
];

/// The class of an address.
pub(crate) fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => {
            let within = |net: Ipv4Addr, length: u32| {
                (net.to_bits() ^ address.to_bits()).leading_zeros() >= length
            };
            V4.iter().find(|(net, length, _)| within(*net, *length)).map_or(Public, |row| row.2)
        }
        IpAddr::V6(address) => {
            let within = |net: Ipv6Addr, length: u32| {
                (net.to_bits() ^ address.to_bits()).leading_zeros() >= length
            };
            V6.iter().find(|(net, length, _)| within(*net, *length)).map_or(Never, |row| row.2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_addresses() {
        for (class_of, addresses) in [
            (
                Public,
                "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.1.2.3 128.0.0.1",
            ),
            (
                Public,
                "169.253.1.1 172.15.255.255 172.32.0.0 192.167.1.1 198.17.0.1 223.255.255.255",
            ),
            (Public, "2606:4700::1111 2a00:1450:4001::1 2400:cb00::1 2001:4860:4860::8888"),
            (Inside, "10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9"),
            (Inside, "172.16.0.1 172.31.255.255 192.168.0.1 ::1 fc00::1 fd12:3456::1"),
            (Never, "0.0.0.0 0.1.2.3 169.254.169.254 192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.1"),
            (Never, "198.51.100.7 203.0.113.7 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255"),
            (Never, ":: ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:1.1.1.1"),
            (Never, "64:ff9b::7f00:1 64:ff9b::101:101 64:ff9b:1::1 100::1 2002:7f00:1::1"),
            (Never, "2001::1 2001:0:4136:e378::1 2001:2::1 2001:10::1 2001:db8::1 3fff::1"),
            (Never, "fe80::1 febf::1 fec0::1 ff02::1 4000::1 5f00::1 2620:4f:8000::1"),
        ] {
            for text in addresses.split(' ') {
                assert_eq!(class(text.parse().unwrap()), class_of, "{text}");
            }
        }
    }
}
