//! Who is signed in to the pages of this server: what log-in pages make, and pages that grant something ask for.

/// A person who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The account, by its number in the database.
    pub account: i64,
    /// The session, by its number in the database.
    pub session: i64,
    /// What was proved in it.
    pub factors: Factors,
}

/// What was proved in a session, in the bits of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factors(pub i16);

impl Factors {
    /// A password.
    pub const PASSWORD: Self = Self(1);
    /// A code of a device.
    pub const TOTP: Self = Self(2);
    /// A recovery code, in the place of the device's.
    pub const RECOVERY: Self = Self(4);
    /// A log-in at another provider, which asks for what it wants.
    pub const EXTERNAL: Self = Self(8);

    /// With more.
    #[must_use]
    pub fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether a second factor was among them.
    #[must_use]
    pub fn are_two(self) -> bool {
        self.0 & (Self::TOTP.0 | Self::RECOVERY.0) != 0
            && self.0 & (Self::PASSWORD.0 | Self::EXTERNAL.0) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_factor_is_second() {
        let (password, totp) = (Factors::PASSWORD, Factors::TOTP);
        for (factors, two) in [
            (password, false),
            (totp, false),
            (password.with(totp), true),
            (Factors::EXTERNAL.with(Factors::RECOVERY), true),
            (totp.with(Factors::RECOVERY), false),
            (password.with(Factors::EXTERNAL), false),
        ] {
            assert_eq!(factors.are_two(), two, "{factors:?}");
        }
    }
}
