//! Finds what an expression reads and replaces it by reads.

use cel::IdedExpr;
use cel::common::ast::operators::INDEX;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};

use super::{READ, Route, TYPE_NAMES, route_name};

/// Replaces the chains that start at a free name; the tree's depth is bounded.
pub(super) fn rewrite(node: &mut IdedExpr, bound: &mut Vec<String>, routes: &mut Vec<Route>) {
    if let Some(route) = chain(node, bound) {
        let number = route_name(routes.len());
        let id = route.last;
        routes.push(route);
        let args = vec![IdedExpr {
            id,
            expr: Expr::Ident(number),
        }];
        node.expr = Expr::Call(CallExpr {
            func_name: READ.to_owned(),
            target: None,
            args,
        });
        return;
    }
    match &mut node.expr {
        Expr::Call(call) => {
            for child in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
                rewrite(child, bound, routes);
            }
        }
        Expr::List(list) => {
            for child in &mut list.elements {
                rewrite(child, bound, routes);
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    rewrite(&mut entry.key, bound, routes);
                    rewrite(&mut entry.value, bound, routes);
                }
            }
        }
        Expr::Select(select) => rewrite(&mut select.operand, bound, routes),
        Expr::Comprehension(comprehension) => {
            rewrite(&mut comprehension.iter_range, bound, routes);
            let outer = bound.len();
            bound.push(comprehension.iter_var.clone());
            bound.extend(comprehension.iter_var2.clone());
            bound.push(comprehension.accu_var.clone());
            let ComprehensionExpr {
                accu_init,
                loop_cond,
                loop_step,
                result,
                ..
            } = &mut **comprehension;
            for child in [accu_init, loop_cond, loop_step, result] {
                rewrite(child, bound, routes);
            }
            bound.truncate(outer);
        }
        _ => {}
    }
}

/// Returns the chain that ends at `node`, if it starts at a free name.
fn chain(node: &IdedExpr, bound: &[String]) -> Option<Route> {
    let mut segments = Vec::new();
    let mut at = node;
    loop {
        match &at.expr {
            Expr::Select(select) if !select.test => {
                segments.push(select.field.clone());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == INDEX && call.target.is_none() => {
                let [operand, index] = call.args.as_slice() else {
                    return None;
                };
                let Expr::Literal(LiteralValue::String(key)) = &index.expr else {
                    return None;
                };
                segments.push(key.inner().to_owned());
                at = operand;
            }
            Expr::Ident(name) if !bound.contains(name) => {
                if segments.is_empty() && TYPE_NAMES.contains(&name.as_str()) {
                    return None;
                }
                segments.push(name.trim_start_matches('.').to_owned());
                segments.reverse();
                return Some(Route {
                    segments,
                    first: at.id,
                    last: node.id,
                });
            }
            _ => return None,
        }
    }
}
