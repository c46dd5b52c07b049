//! Names and types of one expression.

use std::collections::BTreeSet;
use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators};

use super::super::diagnostic::Code;
use super::super::evaluate::CHOICES;
use super::super::expression::{Expression, ExpressionFault, Places, READ, Route, TYPE_NAMES};
use super::super::front_matter::Choice;
use super::super::setting::{Schema, did_you_mean, suggestion};
use super::super::types::Type;

mod calls;

/// Returns what is wrong with an expression.
pub(super) fn lint(
    expression: &Expression,
    choices: &[Choice],
    schema: &dyn Schema,
) -> Vec<ExpressionFault> {
    let mut guarded = BTreeSet::new();
    find_guards(expression, &expression.root, &mut guarded);
    let mut linter = Linter {
        expression,
        choices,
        schema,
        places: expression.places(),
        guarded,
        bound: Vec::new(),
        faults: Vec::new(),
    };
    let result = linter.infer(&expression.root);
    if !matches!(result, Type::Bool | Type::Any) {
        let message = format!("the expression must be true or false, but is {result}");
        linter.fault(
            Code::TypeMismatch,
            0..expression.source.len(),
            message,
            None,
        );
    }
    linter.faults
}

/// Walks one expression; its depth was bounded when it was parsed.
struct Linter<'a> {
    expression: &'a Expression,
    choices: &'a [Choice],
    schema: &'a dyn Schema,
    places: Places,
    /// Entries of maps that the expression asks for with `has(…)` or `in`.
    guarded: BTreeSet<String>,
    /// Variables of the comprehensions that are open.
    bound: Vec<(String, Type)>,
    faults: Vec<ExpressionFault>,
}

impl Linter<'_> {
    fn fault(&mut self, code: Code, span: Range<usize>, message: String, help: Option<String>) {
        let fault = ExpressionFault {
            code,
            span,
            message,
            help,
        };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn place(&self, expr: &IdedExpr) -> Range<usize> {
        match self.expression.route(expr) {
            Some(route) => self.places.route(route, &self.expression.source),
            None => self.places.node(expr.id),
        }
    }

    fn infer(&mut self, expr: &IdedExpr) -> Type {
        match &expr.expr {
            Expr::Literal(literal) => literal_type(literal),
            Expr::Ident(name) => self.variable(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) if call.func_name == READ => self.read(expr),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => {
                let kinds = list.elements.iter().map(|element| self.infer(element));
                let kinds: Vec<Type> = kinds.collect();
                Type::List(Box::new(
                    kinds.into_iter().reduce(Type::join).unwrap_or(Type::Any),
                ))
            }
            Expr::Map(map) => {
                let mut kinds = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.infer(&entry.key);
                        kinds.push(self.infer(&entry.value));
                    }
                }
                Type::Map(Box::new(
                    kinds.into_iter().reduce(Type::join).unwrap_or(Type::Any),
                ))
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(_) | Expr::Unspecified => Type::Any,
        }
    }

    fn variable(&mut self, expr: &IdedExpr, name: &str) -> Type {
        if let Some((_, kind)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return kind.clone();
        }
        if !TYPE_NAMES.contains(&name) {
            let at = self.place(expr);
            self.fault(
                Code::UnknownVariable,
                at,
                format!("there is no variable `{name}`"),
                None,
            );
        }
        Type::Any
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Type {
        let element = match self.infer(&comprehension.iter_range) {
            Type::List(element) => *element,
            Type::Map(_) => Type::String,
            Type::Any => Type::Any,
            other => {
                let at = self.place(&comprehension.iter_range);
                let message = format!("only a list or a map has elements, but this is {other}");
                self.fault(Code::TypeMismatch, at, message, None);
                Type::Any
            }
        };
        let result = match self.infer(&comprehension.accu_init) {
            Type::List(_) => Type::List(Box::new(Type::Any)),
            other => other,
        };
        let outer = self.bound.len();
        self.bound.push((comprehension.iter_var.clone(), element));
        self.bound.extend(
            comprehension
                .iter_var2
                .clone()
                .map(|name| (name, Type::Any)),
        );
        self.bound.push((comprehension.accu_var.clone(), result));
        self.infer(&comprehension.loop_step);
        let result = self.infer(&comprehension.result);
        self.bound.truncate(outer);
        result
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Type {
        if select.test {
            return self.presence(select);
        }
        match self.infer(&select.operand) {
            Type::Map(of) => *of,
            Type::Any => Type::Any,
            other => {
                let at = self.place(expr);
                let message = format!(
                    "`{}` is asked of {other}, which has no entries",
                    select.field
                );
                self.fault(Code::TypeMismatch, at, message, None);
                Type::Any
            }
        }
    }

    /// `has(…)` may ask for an entry of a map, but not for a setting.
    fn presence(&mut self, select: &SelectExpr) -> Type {
        let route = self.expression.route(&select.operand);
        let is_setting = route.is_some_and(|route| {
            let root = route.segments.first().map_or("", String::as_str);
            root != CHOICES && self.setting(route).is_none()
        });
        if let (true, Some(route)) = (is_setting, route) {
            let name = format!("{}.{}", route.name(), select.field);
            if self.schema.setting(&name).is_some() {
                let at = self.places.route(route, &self.expression.source);
                let message = format!(
                    "`has({name})` asks whether a setting is there; an effective setting always is"
                );
                let help = "compare its value; a setting that nothing sets and that has no default is `null`".to_owned();
                self.fault(Code::PresenceTest, at, message, Some(help));
                return Type::Bool;
            }
        }
        self.infer(&select.operand);
        Type::Bool
    }

    /// Returns how many segments of a route name a setting, and its type.
    fn setting(&self, route: &Route) -> Option<(usize, Type)> {
        (2..=route.segments.len()).rev().find_map(|length| {
            let kind = self
                .schema
                .setting(&route.segments.get(..length)?.join("."))?;
            Some((length, Type::of(&kind)))
        })
    }

    fn read(&mut self, expr: &IdedExpr) -> Type {
        let Some(route) = self.expression.route(expr) else {
            return Type::Any;
        };
        let at = self.place(expr);
        let Some(root) = route.segments.first() else {
            return Type::Any;
        };
        if root == CHOICES {
            return self.choice(route, at);
        }
        let names = self.schema.names();
        let roots = names.iter().filter_map(|name| name.split('.').next());
        let mut roots: Vec<&str> = roots.collect();
        roots.sort_unstable();
        roots.dedup();
        if !roots.contains(&root.as_str()) {
            roots.push(CHOICES);
            let help = suggestion(&did_you_mean(root, roots.iter().copied()))
                .unwrap_or_else(|| format!("an expression reads: {}", roots.join(", ")));
            self.fault(
                Code::UnknownVariable,
                at,
                format!("there is no component `{root}`"),
                Some(help),
            );
            return Type::Any;
        }
        let Some((length, kind)) = self.setting(route) else {
            self.unknown_setting(route, at);
            return Type::Any;
        };
        let rest = route.segments.get(length..).unwrap_or_default();
        if !rest.is_empty() && matches!(kind, Type::Map(_)) && !self.guarded.contains(&route.name())
        {
            let message = format!(
                "`{}` may have no entry `{}`",
                route.segments.get(..length).unwrap_or_default().join("."),
                rest.join(".")
            );
            let help = format!("ask first: `has({}) && …`", route.name());
            self.fault(Code::UnguardedEntry, at.clone(), message, Some(help));
        }
        self.members(kind, rest, at)
    }

    fn members(&mut self, kind: Type, rest: &[String], at: Range<usize>) -> Type {
        let mut kind = kind;
        for name in rest {
            kind = match kind {
                Type::Map(of) => *of,
                Type::Any => Type::Any,
                other => {
                    let message = format!("`{name}` is asked of {other}, which has no entries");
                    self.fault(Code::TypeMismatch, at, message, None);
                    return Type::Any;
                }
            };
        }
        kind
    }

    fn choice(&mut self, route: &Route, at: Range<usize>) -> Type {
        let name = route.segments.get(1);
        let Some(choice) =
            name.and_then(|name| self.choices.iter().find(|choice| choice.name == *name))
        else {
            let names: Vec<&str> = self
                .choices
                .iter()
                .map(|choice| choice.name.as_str())
                .collect();
            let near = did_you_mean(name.map_or("", String::as_str), names.iter().copied());
            let near: Vec<String> = near
                .iter()
                .map(|name| format!("{CHOICES}.{name}"))
                .collect();
            let help = suggestion(&near)
                .or_else(|| Some("declare it under `choices` in the front matter".to_owned()));
            self.fault(
                Code::UnknownChoice,
                at,
                format!("the page declares no `{}`", route.name()),
                help,
            );
            return Type::Any;
        };
        let kind = Type::of(&choice.kind);
        self.members(kind, route.segments.get(2..).unwrap_or_default(), at)
    }

    fn unknown_setting(&mut self, route: &Route, at: Range<usize>) {
        let name = route.name();
        let names = self.schema.names();
        let group = format!("{name}.");
        let below: Vec<&str> = names
            .iter()
            .filter(|name| name.starts_with(&group))
            .map(String::as_str)
            .take(5)
            .collect();
        if below.is_empty() {
            let help = suggestion(&did_you_mean(&name, names.iter().map(String::as_str)));
            self.fault(
                Code::UnknownSetting,
                at,
                format!("there is no setting `{name}`"),
                help,
            );
        } else {
            let help = format!("name one of its settings, such as {}", below.join(", "));
            self.fault(
                Code::UnknownSetting,
                at,
                format!("`{name}` is a group of settings, not a setting"),
                Some(help),
            );
        }
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Int(number) => Type::Number {
            zero: *number.inner() == 0,
        },
        LiteralValue::UInt(_) | LiteralValue::Double(_) => Type::Number { zero: false },
        LiteralValue::String(_) => Type::String,
        LiteralValue::Null => Type::Null,
        LiteralValue::Bytes(_) => Type::Any,
    }
}

/// Collects the entries of maps that are asked for with `has(map.entry)` or `"entry" in map`.
fn find_guards(expression: &Expression, expr: &IdedExpr, guarded: &mut BTreeSet<String>) {
    match &expr.expr {
        Expr::Select(select) if select.test => {
            if let Some(route) = expression.route(&select.operand) {
                guarded.insert(format!("{}.{}", route.name(), select.field));
            }
        }
        Expr::Call(call) if call.func_name == operators::IN => {
            if let [key, map] = call.args.as_slice()
                && let Expr::Literal(LiteralValue::String(key)) = &key.expr
                && let Some(route) = expression.route(map)
            {
                guarded.insert(format!("{}.{}", route.name(), key.inner()));
            }
        }
        Expr::Comprehension(comprehension) => {
            find_guards(expression, &comprehension.iter_range, guarded);
            find_guards(expression, &comprehension.loop_step, guarded);
        }
        _ => {}
    }
    for child in super::super::expression::children(&expr.expr) {
        find_guards(expression, child, guarded);
    }
}
