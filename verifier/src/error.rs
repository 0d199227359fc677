//! What can be wrong with evidence that cannot be read. Evidence that can be read but fails is an `Appraisal`.

/// A binary structure that does not parse: which, where, why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {field}{}: {problem}", place(*offset))]
pub struct ParseError {
    /// The structure, in its specification's own term.
    pub what: &'static str,
    /// The field being read.
    pub field: &'static str,
    /// Where the field begins, in bytes from the structure's front. `None` where that is not known any more, as in a part that
    /// was decoded out of it.
    pub offset: Option<usize>,
    /// What is wrong there.
    pub problem: String,
}

impl ParseError {
    /// An error in a part that was decoded out of the structure: offsets in it are none in the structure.
    pub(crate) fn decoded(what: &'static str, field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            what,
            field,
            offset: None,
            problem: problem.into(),
        }
    }

    /// The same error, found in such a part.
    pub(crate) fn within(self) -> Self {
        Self { offset: None, ..self }
    }
}

fn place(offset: Option<usize>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at offset {offset}"))
}

/// Everything that stops an appraisal before it starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A binary part of the evidence does not parse.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The document is larger than the limit.
    #[error("bundle has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes received.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The document is not a bundle.
    #[error("bundle is not valid: {0}")]
    Json(String),
    /// The evidence is a second spelling of itself.
    #[error(
        "evidence is not in canonical form (RFC 8785) at byte {offset}: serialise it with JCS before signing"
    )]
    NotCanonical {
        /// First byte that differs from the canonical form.
        offset: usize,
    },
    /// A policy that cannot be used.
    #[error("policy: {0}")]
    Policy(String),
    /// An endorsement set that cannot be used.
    #[error("endorsements: {0}")]
    Endorsements(String),
    /// A deployment file that cannot be used.
    #[error("deployment: {0}")]
    Deployment(String),
}
