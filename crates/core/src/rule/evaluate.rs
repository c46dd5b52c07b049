//! Evaluation of a compiled expression.
//!
//! The logic on top (`&&`, `||`, `!`, `?:`) is walked here, so that all unknown settings that matter are
//! named and a fault of the page is never hidden behind one; what lies below goes to the CEL crate. A read
//! goes through [`READ`](super::expression::READ), which turns what is no value into an error of ours.

mod reader;

use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, operators};
use cel::common::types::{CelBool, DYN_TYPE, INT_TYPE, STRING_TYPE};
use cel::{Context, DeclarationError, Env, ExecutionError, IdedExpr};

use super::check::{Choices, Evaluation, Outcome, UnknownSetting};
use super::expression::{Expression, READ};
use super::functions;
use super::setting::Settings;
use crate::text;
use reader::{Reader, raise};

/// The root under which the choices are read.
pub(crate) const CHOICES: &str = "choices";

/// CEL's standard functions and ours. Built once: it takes longer than an evaluation.
static ENVIRONMENT: LazyLock<Result<Arc<Env>, DeclarationError>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    env.add_overload(
        "duration",
        "kubeassay_duration",
        vec![STRING_TYPE],
        functions::duration,
    )?;
    env.add_overload(
        "quantity",
        "kubeassay_quantity",
        vec![STRING_TYPE],
        functions::quantity,
    )?;
    env.add_overload(
        "within",
        "kubeassay_within",
        vec![INT_TYPE, STRING_TYPE],
        functions::within,
    )?;
    env.add_overload(READ, "kubeassay_read", vec![DYN_TYPE], raise)?;
    Ok(Arc::new(env))
});

/// Evaluates an expression.
pub(crate) fn evaluate(
    expression: &Expression,
    settings: &dyn Settings,
    choices: Choices<'_>,
) -> Evaluation {
    let reader = Reader::new(expression, settings, choices);
    let decided = match &*ENVIRONMENT {
        Ok(env) => {
            let mut context = Context::with_env(Arc::clone(env));
            context.set_variable_resolver(&reader);
            decide(&expression.root, &context, &reader)
        }
        Err(error) => Err(Undecided::fault(error.to_string())),
    };
    Evaluation {
        outcome: decided.map_or_else(Undecided::outcome, Outcome::from),
        read: reader.into_read(),
    }
}

/// Evaluates an expression of literals alone, for lint.
pub(crate) fn literal(expr: &IdedExpr) -> Result<(), String> {
    let env = ENVIRONMENT.as_ref().map_err(ToString::to_string)?;
    let context = Context::with_env(Arc::clone(env));
    cel::Value::resolve(expr, &context)
        .map(drop)
        .map_err(|error| describe(&error))
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// Why an expression has no value.
#[derive(Clone, Debug, Default)]
struct Undecided {
    fault: Option<String>,
    unknown: Vec<UnknownSetting>,
    choice: Option<String>,
}

impl Undecided {
    fn fault(message: String) -> Self {
        Self {
            fault: Some(message),
            ..Self::default()
        }
    }

    /// Returns both reasons as one.
    fn and(mut self, other: Self) -> Self {
        self.fault = self.fault.or(other.fault);
        for unknown in other.unknown {
            if !self.unknown.contains(&unknown) {
                self.unknown.push(unknown);
            }
        }
        self.choice = self.choice.or(other.choice);
        self
    }

    /// A fault of the page comes first. A choice comes last: with the choice made, the outcome would
    /// still be unknown, and unknown is never made light of.
    fn outcome(self) -> Outcome {
        match (self.fault, self.choice) {
            (Some(fault), _) => Outcome::Faulty(fault),
            (None, Some(choice)) if self.unknown.is_empty() => Outcome::NeedsChoice(choice),
            _ => Outcome::Unknown(self.unknown),
        }
    }
}

/// Decides an expression that must be true or false; its depth is bounded.
fn decide(
    expr: &IdedExpr,
    context: &Context<'_, '_>,
    reader: &Reader<'_>,
) -> Result<bool, Undecided> {
    let Expr::Call(call) = &expr.expr else {
        return leaf(expr, context, reader);
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_NOT, [operand]) => decide(operand, context, reader).map(|holds| !holds),
        (operators::CONDITIONAL, [condition, yes, no]) => {
            let branch = if decide(condition, context, reader)? {
                yes
            } else {
                no
            };
            decide(branch, context, reader)
        }
        (operator @ (operators::LOGICAL_AND | operators::LOGICAL_OR), [left, right]) => {
            let deciding = operator == operators::LOGICAL_OR;
            let left = decide(left, context, reader);
            if matches!(left, Ok(holds) if holds == deciding) {
                return Ok(deciding);
            }
            match (left, decide(right, context, reader)) {
                (_, Ok(holds)) if holds == deciding => Ok(deciding),
                (Err(left), Err(right)) => Err(left.and(right)),
                (Err(undecided), Ok(_)) | (Ok(_), Err(undecided)) => Err(undecided),
                (Ok(_), Ok(_)) => Ok(!deciding),
            }
        }
        _ => leaf(expr, context, reader),
    }
}

/// Evaluates what is not logic.
fn leaf(
    expr: &IdedExpr,
    context: &Context<'_, '_>,
    reader: &Reader<'_>,
) -> Result<bool, Undecided> {
    let value = cel::Value::resolve_val(expr, context).map_err(|error| reader.undecided(&error))?;
    value
        .downcast_ref::<CelBool>()
        .map(|holds| *holds.inner())
        .ok_or_else(|| {
            let kind = value.get_type().name().to_owned();
            Undecided::fault(format!(
                "the expression must be true or false, but a part of it is of type {kind}"
            ))
        })
}

/// Returns an error of the evaluator in our words.
fn describe(error: &ExecutionError) -> String {
    let message = match error {
        ExecutionError::NoSuchOverload(overload) => {
            let name = overload
                .function()
                .trim_matches('_')
                .trim_start_matches('@');
            format!(
                "`{name}` cannot be applied to {}",
                overload
                    .argument_types()
                    .join(" and ")
                    .replace("null_type", "null")
            )
        }
        ExecutionError::FunctionError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    // A message may hold a value of the host, of whatever length.
    let short: String = message.chars().take(300).collect();
    text::escape(&short)
}
