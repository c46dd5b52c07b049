//! Operators and functions: what they take and what they give.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::super::super::diagnostic::Code;
use super::super::super::evaluate;
use super::super::super::functions::{parse_duration, parse_mode, parse_quantity};
use super::super::super::setting::{did_you_mean, suggestion};
use super::super::super::types::Type;
use super::Linter;

/// How a function is called, with how many arguments (a receiver counted).
struct Function {
    name: &'static str,
    method: bool,
    global: bool,
    arguments: usize,
    gives: fn() -> Type,
}

const fn function(
    name: &'static str,
    method: bool,
    global: bool,
    arguments: usize,
    gives: fn() -> Type,
) -> Function {
    Function {
        name,
        method,
        global,
        arguments,
        gives,
    }
}

const fn number() -> Type {
    Type::Number { zero: false }
}

/// The functions there are: CEL's standard library and ours.
const FUNCTIONS: &[Function] = &[
    function("size", true, true, 1, number),
    function("contains", true, false, 2, || Type::Bool),
    function("startsWith", true, false, 2, || Type::Bool),
    function("endsWith", true, false, 2, || Type::Bool),
    function("matches", true, true, 2, || Type::Bool),
    function("int", false, true, 1, number),
    function("uint", false, true, 1, number),
    function("double", false, true, 1, number),
    function("string", false, true, 1, || Type::String),
    function("bool", false, true, 1, || Type::Bool),
    function("bytes", false, true, 1, || Type::Any),
    function("dyn", false, true, 1, || Type::Any),
    function("type", false, true, 1, || Type::Any),
    function("duration", false, true, 1, || Type::Duration),
    function("quantity", false, true, 1, number),
    function("within", false, true, 2, || Type::Bool),
];

/// Macros are gone from the tree; they are named here for did-you-mean.
const MACROS: &[&str] = &["has", "all", "exists", "exists_one", "map", "filter"];

impl Linter<'_> {
    pub(super) fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Type {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.boolean(left);
                self.boolean(right);
                Type::Bool
            }
            (operators::LOGICAL_NOT, [operand]) => {
                self.boolean(operand);
                Type::Bool
            }
            (operators::NOT_STRICTLY_FALSE, _) => Type::Bool,
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.boolean(condition);
                let yes = self.infer(yes);
                let no = self.infer(no);
                yes.join(no)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                self.compare(expr, left, right);
                Type::Bool
            }
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                self.order(expr, left, right);
                Type::Bool
            }
            (operators::IN, [left, right]) => {
                self.member_of(expr, left, right);
                Type::Bool
            }
            (operators::INDEX, [operand, index]) => {
                self.infer(index);
                match self.infer(operand) {
                    Type::List(of) | Type::Map(of) => *of,
                    Type::Any => Type::Any,
                    other => self.mismatch(operand, format!("{other} has no elements")),
                }
            }
            (operators::NEGATE, [operand]) => self.infer(operand),
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                [left, right],
            ) => self.arithmetic(expr, left, right, call.func_name == operators::ADD),
            _ => self.function(expr, call),
        }
    }

    fn mismatch(&mut self, expr: &IdedExpr, message: String) -> Type {
        let at = self.place(expr);
        self.fault(Code::TypeMismatch, at, message, None);
        Type::Any
    }

    fn boolean(&mut self, expr: &IdedExpr) {
        let kind = self.infer(expr);
        if !matches!(kind, Type::Bool | Type::Any) {
            self.mismatch(expr, format!("this must be true or false, but is {kind}"));
        }
    }

    fn compare(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) {
        let (left_kind, right_kind) = (self.infer(left), self.infer(right));
        if !left_kind.meets(&right_kind) {
            self.never(
                expr,
                (left, &left_kind),
                (right, &right_kind),
                "are never equal",
            );
        }
    }

    fn order(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) {
        let (left_kind, right_kind) = (self.infer(left), self.infer(right));
        if !left_kind.meets(&right_kind) {
            return self.never(
                expr,
                (left, &left_kind),
                (right, &right_kind),
                "have no order",
            );
        }
        for (operand, kind) in [(left, left_kind), (right, right_kind)] {
            match kind {
                Type::Quantity => {
                    let at = self.place(operand);
                    let name = self
                        .expression
                        .source
                        .get(at.clone())
                        .unwrap_or("…")
                        .to_owned();
                    let message =
                        "quantities are texts, whose order is not that of their amounts".to_owned();
                    self.fault(
                        Code::TypeMismatch,
                        at,
                        message,
                        Some(format!("write `quantity({name})`")),
                    );
                }
                Type::Null | Type::List(_) | Type::Map(_) => {
                    self.mismatch(
                        operand,
                        format!("{kind} is neither less nor greater than anything"),
                    );
                }
                _ => {}
            }
        }
    }

    fn member_of(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) {
        let (left_kind, right_kind) = (self.infer(left), self.infer(right));
        match right_kind {
            Type::List(of) if !left_kind.meets(&of) => {
                self.never(expr, (left, &left_kind), (right, &of), "are never equal");
            }
            Type::Map(_) if !left_kind.meets(&Type::String) => {
                self.never(
                    expr,
                    (left, &left_kind),
                    (right, &Type::String),
                    "are never equal",
                );
            }
            Type::List(_) | Type::Map(_) | Type::Any => {}
            other => drop(self.mismatch(
                right,
                format!("`in` wants a list or a map, but this is {other}"),
            )),
        }
    }

    /// Reports a comparison that no value makes true.
    fn never(
        &mut self,
        expr: &IdedExpr,
        left: (&IdedExpr, &Type),
        right: (&IdedExpr, &Type),
        verdict: &str,
    ) {
        let about = if self.expression.route(left.0).is_some() {
            left.0
        } else {
            right.0
        };
        let about = if self.expression.route(about).is_some() {
            about
        } else {
            expr
        };
        let at = self.place(about);
        let help = mend(left, right).or_else(|| mend(right, left));
        let message = format!("{} is compared with {}; they {verdict}", left.1, right.1);
        self.fault(Code::TypeMismatch, at, message, help);
    }

    fn arithmetic(
        &mut self,
        expr: &IdedExpr,
        left: &IdedExpr,
        right: &IdedExpr,
        adds: bool,
    ) -> Type {
        match (self.infer(left), self.infer(right)) {
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::Duration, Type::Duration | Type::Number { .. })
            | (Type::Number { .. }, Type::Duration) => Type::Duration,
            (Type::Number { .. }, Type::Number { .. }) => number(),
            (Type::String | Type::Quantity, Type::String | Type::Quantity) if adds => Type::String,
            (Type::List(a), Type::List(b)) if adds => Type::List(Box::new(a.join(*b))),
            (left, right) => self.mismatch(
                expr,
                format!("{left} and {right} cannot be put together so"),
            ),
        }
    }

    fn function(&mut self, expr: &IdedExpr, call: &CallExpr) -> Type {
        let arguments: Vec<&IdedExpr> = call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect();
        let kinds: Vec<Type> = arguments
            .iter()
            .map(|argument| self.infer(argument))
            .collect();
        let name = call.func_name.as_str();
        let at = self.places.call(expr.id, name, &self.expression.source);
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            let names = FUNCTIONS
                .iter()
                .map(|function| function.name)
                .chain(MACROS.iter().copied());
            let help = suggestion(&did_you_mean(name, names));
            self.fault(
                Code::UnknownFunction,
                at,
                format!("there is no function `{name}`"),
                help,
            );
            return Type::Any;
        };
        let fits = if call.target.is_some() {
            function.method
        } else {
            function.global
        };
        if !fits || arguments.len() != function.arguments {
            let help = if function.global {
                format!("write `{name}(…)`")
            } else {
                format!("write `text.{name}(…)`")
            };
            self.fault(
                Code::UnknownFunction,
                at,
                format!("`{name}` is not called so"),
                Some(help),
            );
            return Type::Any;
        }
        self.arguments(function, &arguments, &kinds);
        (function.gives)()
    }

    fn arguments(&mut self, function: &Function, arguments: &[&IdedExpr], kinds: &[Type]) {
        let wants_text = matches!(
            function.name,
            "contains" | "startsWith" | "endsWith" | "matches" | "duration" | "quantity"
        );
        for (index, (argument, kind)) in arguments.iter().zip(kinds).enumerate() {
            if function.name == "within"
                && index == 0
                && !matches!(kind, Type::Number { .. } | Type::Any)
            {
                self.mismatch(
                    argument,
                    format!("`within` wants the mode of a file first, but this is {kind}"),
                );
                return;
            }
            let fits = match function.name {
                "within" => index == 0 || matches!(kind, Type::String | Type::Any),
                "size" => !matches!(
                    kind,
                    Type::Bool | Type::Number { .. } | Type::Duration | Type::Null
                ),
                _ if wants_text => matches!(kind, Type::String | Type::Quantity | Type::Any),
                _ => true,
            };
            if !fits {
                self.mismatch(
                    argument,
                    format!("`{}` wants a string, but this is {kind}", function.name),
                );
                return;
            }
        }
        let Some(last) = arguments.last() else { return };
        let Expr::Literal(LiteralValue::String(text)) = &last.expr else {
            return;
        };
        let read = match function.name {
            "duration" => parse_duration(text.inner()).map(drop),
            "quantity" => parse_quantity(text.inner()).map(drop),
            "within" => parse_mode(text.inner()).map(drop),
            "matches" => regex(last),
            _ => Ok(()),
        };
        if let Err(reason) = read {
            let at = self.places.node(last.id);
            self.fault(Code::BadLiteral, at, reason, None);
        }
    }
}

/// Tries a regular expression on the empty text, with the engine that will run it.
fn regex(pattern: &IdedExpr) -> Result<(), String> {
    let empty = IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::String(String::new().into())),
    };
    let call = CallExpr {
        func_name: "matches".to_owned(),
        target: None,
        args: vec![empty, pattern.clone()],
    };
    let expr = IdedExpr {
        id: 0,
        expr: Expr::Call(call),
    };
    evaluate::literal(&expr).map_err(|error| format!("not a regular expression: {error}"))
}

/// Returns how the second of two operands must be written to fit the first.
fn mend((_, wanted): (&IdedExpr, &Type), (other, found): (&IdedExpr, &Type)) -> Option<String> {
    let literal = match &other.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    };
    match (wanted, found, literal) {
        (Type::Duration, Type::String, Some(text)) if parse_duration(text).is_ok() => {
            Some(format!("write `duration(\"{text}\")`"))
        }
        (Type::Duration, Type::String | Type::Number { .. }, _) => {
            Some("a duration is compared with another, such as `duration(\"5m\")`".to_owned())
        }
        (Type::Quantity, Type::Number { .. }, _) => {
            Some("write `quantity(…)` around the quantity".to_owned())
        }
        (Type::Number { .. } | Type::Bool, Type::String, Some(text))
            if text.parse::<f64>().is_ok() || text == "true" || text == "false" =>
        {
            Some(format!("write `{text}` without quotes"))
        }
        _ => None,
    }
}
