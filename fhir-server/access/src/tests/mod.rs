//! Tables of cases, and the algebra's properties.

mod algebra;
mod decisions;
mod scopes;
