//! A CEL expression, parsed, bounded, and with every setting it names replaced by a read.
//!
//! The syntax tree is rewritten once: a chain of members that starts at a free name
//! (`kubelet.authorization.mode`, `choices.floor`, `kubelet["readOnlyPort"]`) becomes a call of
//! [`READ`] with the number of its [`Route`]. `@` cannot be written in CEL, so that no page can call it.
//! What makes an expression too costly is refused here, before it can ever run.

mod places;
mod rewrite;

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr};
use cel::parser::{ParseError, PrattParser};

pub(crate) use places::Places;

use super::diagnostic::Code;
use rewrite::rewrite;

/// The function that a setting's chain is rewritten to.
pub(crate) const READ: &str = "@read";
/// The longest expression, in bytes.
pub(crate) const MAX_SOURCE: usize = 4 * 1024;
/// The deepest syntax tree. The evaluator recurses over it.
const MAX_DEPTH: usize = 40;
/// The deepest nesting of `all`, `exists`, `map` and `filter`.
const MAX_LOOPS: usize = 2;
/// The most nodes, comprehensions expanded.
const MAX_NODES: usize = 4_000;
/// Free names that are CEL's own types, for `type(x) == int`.
pub(crate) const TYPE_NAMES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// A parsed expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    /// As the page has it.
    pub(crate) source: String,
    /// The rewritten tree.
    pub(crate) root: IdedExpr,
    /// What [`READ`] reads, by number.
    pub(crate) routes: Vec<Route>,
}

/// A chain of members that starts at a free name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The names: the component or `choices` first.
    pub(crate) segments: Vec<String>,
    /// The first node of the chain.
    pub(crate) first: u64,
    /// The last node of the chain.
    pub(crate) last: u64,
}

impl Route {
    /// Returns the chain as a setting's name.
    pub(crate) fn name(&self) -> String {
        self.segments.join(".")
    }
}

/// A mistake in an expression; the span counts from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpressionFault {
    pub(crate) code: Code,
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Expression {
    /// Parses an expression, bounds it and finds what it reads.
    pub(crate) fn parse(source: &str) -> Result<Self, Vec<ExpressionFault>> {
        let whole = |message: String| {
            let code = Code::CheckTooCostly;
            vec![ExpressionFault {
                code,
                span: 0..source.len(),
                message,
                help: None,
            }]
        };
        if source.len() > MAX_SOURCE {
            let length = source.len();
            return Err(whole(format!(
                "the expression has {length} bytes; {MAX_SOURCE} are allowed"
            )));
        }
        let mut root = parser().parse(source).map_err(|errors| {
            errors
                .errors
                .iter()
                .map(|error| syntax_fault(source, error))
                .collect::<Vec<_>>()
        })?;
        bound(&root).map_err(whole)?;
        let mut routes = Vec::new();
        rewrite(&mut root, &mut Vec::new(), &mut routes);
        Ok(Self {
            source: source.to_owned(),
            root,
            routes,
        })
    }

    /// Returns the route that a node reads, if it is a call of [`READ`].
    pub(crate) fn route(&self, expr: &IdedExpr) -> Option<&Route> {
        let Expr::Call(call) = &expr.expr else {
            return None;
        };
        match call.args.first().map(|arg| &arg.expr) {
            Some(Expr::Ident(number)) if call.func_name == READ => {
                self.routes.get(route_number(number)?)
            }
            _ => None,
        }
    }

    /// Returns where every node stands.
    ///
    /// The parser keeps its positions to itself, except in errors: so it is given the expression once
    /// more with a mistake behind it. Node numbers are dealt out in the order of reading and come out the
    /// same. Only called where something has to be pointed at.
    pub(crate) fn places(&self) -> Places {
        let broken = format!("{}\n)", self.source);
        let info = parser().parse(&broken).err();
        let info = info.and_then(|errors| {
            errors
                .errors
                .into_iter()
                .find_map(|error| error.source_info)
        });
        Places {
            info,
            whole: 0..self.source.len(),
        }
    }
}

fn parser() -> PrattParser {
    PrattParser::new()
        .max_recursion_depth(32)
        .max_expression_node_count(MAX_NODES)
        .error_reporting_limit(8)
}

/// Returns the name under which a route is asked for.
pub(crate) fn route_name(number: usize) -> String {
    format!("@{number}")
}

/// Returns the number of the route asked for by `name`.
pub(crate) fn route_number(name: &str) -> Option<usize> {
    name.strip_prefix('@')?.parse().ok()
}

fn syntax_fault(source: &str, error: &ParseError) -> ExpressionFault {
    let costly = error.msg.contains("limit");
    let (Ok(line), Ok(column)) = (usize::try_from(error.pos.0), usize::try_from(error.pos.1))
    else {
        return fault_at(Code::CheckSyntax, 0..source.len(), &error.msg);
    };
    if line == 0 {
        let code = if costly {
            Code::CheckTooCostly
        } else {
            Code::CheckSyntax
        };
        return fault_at(code, 0..source.len(), &error.msg);
    }
    let start: usize = source
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let start = source.floor_char_boundary(start + column.saturating_sub(1));
    let rest = source.get(start..).unwrap_or_default();
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let length = word.max(rest.chars().next().map_or(0, char::len_utf8));
    fault_at(Code::CheckSyntax, start..start + length, &error.msg)
}

fn fault_at(code: Code, span: Range<usize>, message: &str) -> ExpressionFault {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.replace(
        "mismatched input '<EOF>' expecting expression",
        "the expression ends too early",
    );
    let help = message
        .contains("'='")
        .then(|| "equality is written `==`".to_owned());
    ExpressionFault {
        code,
        span,
        message,
        help,
    }
}

/// Refuses a tree that is too deep or loops too much; walks it without recursion.
fn bound(root: &IdedExpr) -> Result<(), String> {
    let mut open = vec![(root, 1, 0)];
    let mut nodes = 0;
    while let Some((node, depth, loops)) = open.pop() {
        nodes += 1;
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            return Err("the expression is too deep or too large to be evaluated".to_owned());
        }
        let mut child = |node, loops| open.push((node, depth + 1, loops));
        match &node.expr {
            Expr::Comprehension(comprehension) => {
                if loops == MAX_LOOPS {
                    return Err(format!(
                        "`all`, `exists`, `map` and `filter` may be nested {MAX_LOOPS} deep"
                    ));
                }
                child(&comprehension.iter_range, loops);
                for inner in inner(comprehension) {
                    child(inner, loops + 1);
                }
            }
            Expr::Struct(_) => return Err("an expression makes no structs".to_owned()),
            other => {
                for node in children(other) {
                    child(node, loops);
                }
            }
        }
    }
    Ok(())
}

/// Returns the parts of a comprehension in which its variables are bound.
pub(crate) fn inner(comprehension: &ComprehensionExpr) -> [&IdedExpr; 4] {
    let ComprehensionExpr {
        accu_init,
        loop_cond,
        loop_step,
        result,
        ..
    } = comprehension;
    [accu_init, loop_cond, loop_step, result]
}

/// Returns the children of a node that is not a comprehension.
pub(crate) fn children(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            })
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
