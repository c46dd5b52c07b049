//! A check: an expression that is compiled once and evaluated against the settings of any subject.
//!
//! Reading an unknown setting is an error of its own kind that carries the setting and its cause. It is
//! never null, absent or a default. `&&`, `||`, `all` and `exists` absorb it where the other side decides;
//! nothing else does.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::evaluate;
use super::expression::{Expression, ExpressionFault, Route};
use super::front_matter::Choice;
use super::setting::Settings;
use crate::value::Value;
use crate::verdict::Cause;

/// An expression, compiled when a page is read; that of a prepared rule when it is first asked for.
#[derive(Clone, Debug)]
pub struct Check {
    source: Cow<'static, str>,
    expression: OnceLock<Result<Expression, String>>,
}

/// The choices of a site: what the page declares, and what was chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// What the page declares, with defaults.
    pub declared: &'a [Choice],
    /// What the site chose, by name.
    pub chosen: &'a BTreeMap<String, Value>,
}

/// A setting that was needed and could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSetting {
    /// Its full name.
    pub setting: String,
    /// Why.
    pub cause: Cause,
    /// One sentence for a person.
    pub reason: String,
}

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The expression is true.
    Holds,
    /// The expression is false.
    Fails,
    /// The rule does not apply; the reason is the page's. Only from [`Rule::evaluate`](super::Rule::evaluate).
    NotApplicable(String),
    /// It depends on settings that could not be told. Settings whose being unknown did not matter are not listed.
    Unknown(Vec<UnknownSetting>),
    /// It depends on a choice that the site has not made.
    NeedsChoice(String),
    /// The page is at fault; one sentence says why.
    Faulty(String),
}

/// An outcome and its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What it came to.
    pub outcome: Outcome,
    /// The full names of the settings that were read during this evaluation, in order, each once.
    pub read: Vec<String>,
}

impl Check {
    /// Compiles an expression.
    pub(crate) fn compile(source: &str) -> Result<Self, Vec<ExpressionFault>> {
        Expression::parse(source).map(|expression| Self {
            source: Cow::Owned(source.to_owned()),
            expression: OnceLock::from(Ok(expression)),
        })
    }

    /// Takes an expression that was compiled when the program was built, and compiles it when it is needed.
    pub(crate) const fn prepared(source: &'static str) -> Self {
        Self {
            source: Cow::Borrowed(source),
            expression: OnceLock::new(),
        }
    }

    /// Returns the expression, compiled, or the first of its mistakes.
    pub(crate) fn expression(&self) -> Result<&Expression, &str> {
        let compile = || {
            Expression::parse(&self.source).map_err(|faults| {
                let first = faults.into_iter().next();
                first.map_or_else(String::new, |fault| fault.message)
            })
        };
        self.expression
            .get_or_init(compile)
            .as_ref()
            .map_err(String::as_str)
    }

    /// Returns the settings and choices that the expression reads.
    pub(crate) fn routes(&self) -> &[Route] {
        self.expression()
            .map_or(&[], |expression| &expression.routes)
    }

    /// Returns the expression as the page has it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the names that the expression mentions, such as `kubelet.authorization.mode` or
    /// `choices.floor`, sorted, each once.
    ///
    /// More may be named than one evaluation reads.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.routes().iter().map(Route::name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Evaluates the expression.
    pub fn evaluate(&self, settings: &dyn Settings, choices: Choices<'_>) -> Evaluation {
        match self.expression() {
            Ok(expression) => evaluate::evaluate(expression, settings, choices),
            Err(fault) => Evaluation {
                outcome: Outcome::Faulty(fault.to_owned()),
                read: Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
