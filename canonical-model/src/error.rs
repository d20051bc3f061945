//! The one error of the product. Its `kind` is projected at each edge: HTTP status in `rest`,
//! acknowledgement code in `hl7v2`, retry or park in `bus`.

use crate::ResourceType;
use std::fmt;

/// What every fallible function of the product returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The one error. `kind` decides HTTP status, acknowledgement and retry.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?}: {}", self.summary())]
pub struct Error {
    /// The class of failure. Boxed parts keep `Result` small on the happy path.
    pub kind: Kind,
    /// Become `OperationOutcome.issue`: callers see them, so never PHI, never SQL.
    pub issues: Vec<Issue>,
    /// Logged once, at the edge; never shown.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The classes of failure. Matches are exhaustive: a new kind makes every edge decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be read: 400.
    Invalid,
    /// No or bad credentials: 401.
    Unauthorized,
    /// The caller's rights do not reach this: 403.
    Forbidden,
    /// No such resource, or none that the caller may know of: 404.
    NotFound,
    /// The interaction is not offered here: 405.
    MethodNotAllowed,
    /// No representation that the caller accepts: 406.
    NotAcceptable,
    /// The request came too slowly: 408.
    Timeout,
    /// Another write won, or the state forbids this one: 409.
    Conflict,
    /// Deleted: 410.
    Gone,
    /// `If-Match` or a conditional criterion does not hold: 412.
    PreconditionFailed,
    /// Body or answer over a limit: 413.
    TooLarge,
    /// The body's media type is not read here: 415.
    UnsupportedMediaType,
    /// Readable, but against FHIR's or our rules: 422.
    Unprocessable,
    /// Over a rate: 429.
    TooManyRequests,
    /// A defect of ours: 500.
    Internal,
    /// Not offered at all: 501.
    NotImplemented,
    /// A part is away or busy; the same request may succeed later: 503.
    Unavailable,
    /// The disk is full: 507.
    StorageFull,
}

impl Kind {
    /// A bounded label for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotAcceptable => "not-acceptable",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::PreconditionFailed => "precondition-failed",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Unprocessable => "unprocessable",
            Self::TooManyRequests => "too-many-requests",
            Self::Internal => "internal",
            Self::NotImplemented => "not-implemented",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage-full",
        }
    }

    /// The issue code an error of this kind carries unless it names another.
    #[must_use]
    pub fn issue_code(self) -> IssueCode {
        match self {
            Self::Invalid | Self::Unprocessable => IssueCode::Invalid,
            Self::Unauthorized => IssueCode::Login,
            Self::Forbidden => IssueCode::Forbidden,
            Self::NotFound => IssueCode::NotFound,
            Self::MethodNotAllowed
            | Self::NotAcceptable
            | Self::UnsupportedMediaType
            | Self::NotImplemented => IssueCode::NotSupported,
            Self::Conflict | Self::PreconditionFailed => IssueCode::Conflict,
            Self::Timeout => IssueCode::Timeout,
            Self::Gone => IssueCode::Deleted,
            Self::TooLarge => IssueCode::TooLong,
            Self::TooManyRequests => IssueCode::Throttled,
            Self::Internal => IssueCode::Exception,
            Self::Unavailable => IssueCode::Transient,
            Self::StorageFull => IssueCode::NoStore,
        }
    }
}

/// <https://hl7.org/fhir/R4/valueset-issue-severity.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing was done.
    Fatal,
    /// This part was refused.
    Error,
    /// Accepted, with a doubt.
    Warning,
    /// For the reader only.
    Information,
}

impl Severity {
    /// FHIR's code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// The part of <https://hl7.org/fhir/R4/valueset-issue-type.html> that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are FHIR's, defined there")]
pub enum IssueCode {
    Invalid,
    Structure,
    Required,
    Value,
    Invariant,
    Security,
    Login,
    Expired,
    Forbidden,
    Suppressed,
    Processing,
    NotSupported,
    Duplicate,
    MultipleMatches,
    NotFound,
    Deleted,
    TooLong,
    CodeInvalid,
    Extension,
    TooCostly,
    BusinessRule,
    Conflict,
    Transient,
    NoStore,
    Exception,
    Timeout,
    Incomplete,
    Throttled,
    Informational,
}

impl IssueCode {
    /// FHIR's code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invariant => "invariant",
            Self::Security => "security",
            Self::Login => "login",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Suppressed => "suppressed",
            Self::Processing => "processing",
            Self::NotSupported => "not-supported",
            Self::Duplicate => "duplicate",
            Self::MultipleMatches => "multiple-matches",
            Self::NotFound => "not-found",
            Self::Deleted => "deleted",
            Self::TooLong => "too-long",
            Self::CodeInvalid => "code-invalid",
            Self::Extension => "extension",
            Self::TooCostly => "too-costly",
            Self::BusinessRule => "business-rule",
            Self::Conflict => "conflict",
            Self::Transient => "transient",
            Self::NoStore => "no-store",
            Self::Exception => "exception",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::Throttled => "throttled",
            Self::Informational => "informational",
        }
    }
}

/// One line of an `OperationOutcome`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How bad.
    pub severity: Severity,
    /// What class.
    pub code: IssueCode,
    /// Says what to change. Never PHI, never SQL.
    pub diagnostics: String,
    /// FHIRPath of the element, as `Patient.name[0].family`.
    pub expression: Option<String>,
}

impl Issue {
    /// An error without an element.
    #[must_use]
    pub fn error(code: IssueCode, diagnostics: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, diagnostics: diagnostics.into(), expression: None }
    }

    /// A warning without an element.
    #[must_use]
    pub fn warning(code: IssueCode, diagnostics: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, diagnostics) }
    }

    /// A remark for the reader.
    #[must_use]
    pub fn information(code: IssueCode, diagnostics: impl Into<String>) -> Self {
        Self { severity: Severity::Information, ..Self::error(code, diagnostics) }
    }

    /// Names the element.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }
}

impl Error {
    /// An error with one issue of the kind's usual code.
    #[must_use]
    pub fn new(kind: Kind, diagnostics: impl Into<String>) -> Self {
        Self::from_issues(kind, vec![Issue::error(kind.issue_code(), diagnostics)])
    }

    /// An error with the issues given.
    #[must_use]
    pub fn from_issues(kind: Kind, issues: Vec<Issue>) -> Self {
        Self { kind, issues, cause: None }
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn invalid(diagnostics: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, diagnostics)
    }

    /// 404. The text is the same whether the thing is absent or hidden.
    #[must_use]
    pub fn not_found(diagnostics: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, diagnostics)
    }

    /// 409.
    #[must_use]
    pub fn conflict(diagnostics: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, diagnostics)
    }

    /// 412.
    #[must_use]
    pub fn precondition(diagnostics: impl Into<String>) -> Self {
        Self::new(Kind::PreconditionFailed, diagnostics)
    }

    /// 422.
    #[must_use]
    pub fn unprocessable(diagnostics: impl Into<String>) -> Self {
        Self::new(Kind::Unprocessable, diagnostics)
    }

    /// 500. The cause is for the log; the caller reads a neutral sentence.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error = Self::new(
            Kind::Internal,
            "The server failed on this request; nothing was changed. Report the X-Request-Id.",
        );
        error.cause = Some(cause.into());
        error
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Sets the code of the first issue.
    #[must_use]
    pub fn code(mut self, code: IssueCode) -> Self {
        if let Some(issue) = self.issues.first_mut() {
            issue.code = code;
        }
        self
    }

    /// Names the element of every issue that names none yet.
    #[must_use]
    pub fn at(mut self, expression: &str) -> Self {
        for issue in &mut self.issues {
            issue.expression.get_or_insert_with(|| expression.to_owned());
        }
        self
    }

    /// Names this header of the request where nothing is named, or a parameter that the header holds.
    #[must_use]
    pub fn in_header(mut self, name: &str) -> Self {
        for issue in &mut self.issues {
            if issue.expression.as_deref().is_none_or(is_parameter) {
                issue.expression = Some(format!("http.{name}"));
            }
        }
        self
    }

    /// Prefixes every issue's element, as for one entry of a bundle. A parameter of the request is part of
    /// the entry's URL there, and a condition a member beside it.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        for issue in &mut self.issues {
            issue.expression = Some(match issue.expression.take() {
                Some(inner) if is_parameter(&inner) => {
                    format!("{prefix}.request.{}", member(&inner))
                }
                Some(inner) => format!("{prefix}.{inner}"),
                None => prefix.to_owned(),
            });
        }
        self
    }

    /// Names elements of the resources of a Bundle's entries by their paths in the Bundle: `Bundle.entry[1].resource.status`
    /// of `Bundle.entry[1].Observation.status`.
    #[must_use]
    pub fn in_entries(mut self) -> Self {
        for issue in &mut self.issues {
            let named = issue.expression.as_deref().and_then(in_entry);
            issue.expression = named.or_else(|| issue.expression.take());
        }
        self
    }

    /// As [`Error::within`] where a parameter of the request is named; other elements stay as they are.
    #[must_use]
    pub fn within_url(self, prefix: &str) -> Self {
        let named = |issue: &Issue| issue.expression.as_deref().is_some_and(is_parameter);
        if self.issues.iter().any(named) { self.within(prefix) } else { self }
    }

    /// Names this element where a parameter of the request is named: the element holds the form that the
    /// parameter came in.
    #[must_use]
    pub fn in_form(mut self, element: &str) -> Self {
        for issue in &mut self.issues {
            if issue.expression.as_deref().is_some_and(is_parameter) {
                issue.expression = Some(element.to_owned());
            }
        }
        self
    }

    /// Takes a prefix off the expressions: the opposite of [`Error::within`].
    #[must_use]
    pub fn without(mut self, prefix: &str) -> Self {
        for issue in &mut self.issues {
            let inner = issue.expression.as_deref().and_then(|it| it.strip_prefix(prefix));
            if let Some(inner) = inner {
                let inner = inner.trim_start_matches('.').to_owned();
                issue.expression = (!inner.is_empty()).then_some(inner);
            }
        }
        self
    }

    fn summary(&self) -> Summary<'_> {
        Summary(&self.issues)
    }
}

/// `http.` and a parameter's name, as FHIR names what is not an element.
/// The path of an element in its Bundle, where it is that of its resource.
fn in_entry(expression: &str) -> Option<String> {
    let inner = expression.strip_prefix("Bundle.entry[")?;
    let (number, path) = inner.split_once("].")?;
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (kind, rest) = path.split_at_checked(end)?;
    ResourceType::find(kind)?;
    Some(format!("Bundle.entry[{number}].resource{rest}"))
}

fn is_parameter(expression: &str) -> bool {
    expression == "http" || expression.starts_with("http.")
}

/// Where the request of a bundle's entry has what a plain request has in a header or its URL.
/// <https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request>
fn member(expression: &str) -> &'static str {
    match expression {
        "http.If-Match" => "ifMatch",
        "http.If-None-Match" => "ifNoneMatch",
        "http.If-None-Exist" => "ifNoneExist",
        _ => "url",
    }
}

struct Summary<'a>(&'a [Issue]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, issue) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            if let Some(expression) = &issue.expression {
                write!(f, "{expression}: ")?;
            }
            f.write_str(&issue.diagnostics)?;
        }
        Ok(())
    }
}
