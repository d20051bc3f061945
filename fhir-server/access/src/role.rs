//! What a user is to the organisation, as tokens say it.

use std::fmt;

use canonical_model::{Error, Result};

/// One role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Treats patients.
    Clinician,
    /// Holds teams, plans and tasks together.
    CareCoordinator,
    /// Receives patients and gives appointments.
    FrontDesk,
    /// Accounts for what was done.
    Billing,
    /// Connects systems.
    Integration,
    /// Reads the record of accesses.
    Auditor,
    /// Manages accounts and clients.
    Admin,
    /// Is a patient.
    Patient,
    /// Stands for a patient.
    Proxy,
}

impl Role {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::Clinician,
        Self::CareCoordinator,
        Self::FrontDesk,
        Self::Billing,
        Self::Integration,
        Self::Auditor,
        Self::Admin,
        Self::Patient,
        Self::Proxy,
    ];

    /// As tokens and accounts write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::CareCoordinator => "care-coordinator",
            Self::FrontDesk => "front-desk",
            Self::Billing => "billing",
            Self::Integration => "integration",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Patient => "patient",
            Self::Proxy => "proxy",
        }
    }
}

/// A set of roles.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Roles(u16);

impl Roles {
    /// None: what clients that act for themselves have.
    pub const NONE: Self = Self(0);

    /// Reads names.
    ///
    /// # Errors
    /// 400 for a name that is no role: whoever has it can do less than was meant, or more.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let one = |Self(roles), name: &str| {
            let role = Role::ALL.into_iter().find(|role| role.as_str() == name);
            let role =
                role.ok_or_else(|| Error::invalid("roles: there is no role of this name"))?;
            Ok(Self(roles | 1 << role as u16))
        };
        names.into_iter().try_fold(Self::NONE, one)
    }

    /// Whether it is in.
    #[must_use]
    pub fn contains(self, role: Role) -> bool {
        self.0 & 1 << role as u16 != 0
    }

    /// Those that are in.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Role::as_str)).finish()
    }
}
