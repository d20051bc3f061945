//! What one may do to a resource, in SMART's five letters.
//! <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use std::fmt;

/// One letter of `cruds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// `c`: create, by POST or PUT.
    Create,
    /// `r`: read, vread, history of one resource.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`: delete.
    Delete,
    /// `s`: search, and history of a type or of the system.
    Search,
}

impl Action {
    /// All, in the order of `cruds`.
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Search];

    /// The letter.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }

    /// Whether it changes something.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Delete => true,
            Self::Read | Self::Search => false,
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Read => 2,
            Self::Update => 4,
            Self::Delete => 8,
            Self::Search => 16,
        }
    }
}

/// A set of actions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Actions(u8);

impl Actions {
    /// None.
    pub const NONE: Self = Self(0);
    /// `cruds`, which version 1 of SMART wrote `*`.
    pub const ALL: Self = Self(0b1_1111);
    /// `rs`, which version 1 wrote `read`.
    pub const READ: Self = Self(0b1_0010);
    /// `cud`, which version 1 wrote `write`.
    pub const WRITE: Self = Self(0b0_1101);

    /// Reads letters of `cruds`, each at most once and in that order; at least one.
    #[must_use]
    pub fn parse(letters: &str) -> Option<Self> {
        let mut found = Self::NONE;
        let mut order = Action::ALL.into_iter();
        for letter in letters.chars() {
            found.insert(order.find(|action| action.letter() == letter)?);
        }
        (found != Self::NONE).then_some(found)
    }

    /// Adds one.
    pub fn insert(&mut self, action: Action) {
        self.0 |= action.bit();
    }

    /// Whether it is in.
    #[must_use]
    pub fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let mut all = Self::NONE;
        actions.into_iter().for_each(|action| all.insert(action));
        all
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for action in Action::ALL.into_iter().filter(|action| self.contains(*action)) {
            write!(f, "{}", action.letter())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
