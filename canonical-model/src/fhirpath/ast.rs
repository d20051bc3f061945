//! What an expression says, before the definitions are asked. Chains of steps and of operators of
//! one rank are flat, so that depth comes from brackets only.

use crate::json::{Text, Value};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// `'text'`, `1.5`, `@2026`, `4 'mg'`: the value and its type.
    Literal(Value, &'static str),
    /// `{}`
    Empty,
    /// `Patient.name.where(use = 'official').given[0]`
    Path(Head, Vec<Step>),
    /// `a + b - c`: operators of one rank, applied from the left.
    Chain(Box<Expr>, Vec<(Op, Expr)>),
    /// `-a`
    Negative(Box<Expr>),
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Head {
    /// Nothing is written: the focus, or the type that the first step names.
    Focus,
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// `%resource`
    Variable(Text, usize),
    /// `(a | b)`
    Of(Box<Expr>),
}

/// One step of a path and the position where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) at: usize,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StepKind {
    /// `name`
    Member(Text),
    /// `where(…)`
    Call(Text, Vec<Expr>),
    /// `[0]`
    Item(Box<Expr>),
    /// `as T`: only what is of the type.
    As(Text),
    /// `is T`: whether it is of the type.
    Is(Text),
}

/// The operators between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Union,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Div,
    Mod,
}

impl Op {
    /// How firmly it binds. `is` and `as` have rank 8.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Implies => 1,
            Self::Or | Self::Xor => 2,
            Self::And => 3,
            Self::In | Self::Contains => 4,
            Self::Equal | Self::NotEqual | Self::Equivalent | Self::NotEquivalent => 5,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 6,
            Self::Union => 7,
            Self::Add | Self::Subtract | Self::Concatenate => 9,
            Self::Multiply | Self::Divide | Self::Div | Self::Mod => 10,
        }
    }
}

impl Expr {
    /// Whether `$index` is asked for anywhere within.
    pub(crate) fn counts(&self) -> bool {
        match self {
            Self::Literal(..) | Self::Empty => false,
            Self::Negative(inner) => inner.counts(),
            Self::Chain(first, rest) => first.counts() || rest.iter().any(|(_, one)| one.counts()),
            Self::Path(head, steps) => {
                let head = match head {
                    Head::Index => true,
                    Head::Of(inner) => inner.counts(),
                    Head::Focus | Head::This | Head::Total | Head::Variable(..) => false,
                };
                head || steps.iter().any(|step| match &step.kind {
                    StepKind::Call(_, arguments) => arguments.iter().any(Self::counts),
                    StepKind::Item(index) => index.counts(),
                    StepKind::Member(_) | StepKind::As(_) | StepKind::Is(_) => false,
                })
            }
        }
    }

    /// The expression with one more step behind it.
    pub(crate) fn then(self, step: Step) -> Self {
        match self {
            Self::Path(head, mut steps) => {
                steps.push(step);
                Self::Path(head, steps)
            }
            other => Self::Path(Head::Of(Box::new(other)), vec![step]),
        }
    }
}
