//! What is read, where it stands, what is refused.

use super::{Expression, MAX_SOURCE};
use crate::rule::diagnostic::Code;

fn routes(source: &str) -> Vec<String> {
    let expression = Expression::parse(source).unwrap();
    expression.routes.iter().map(super::Route::name).collect()
}

#[test]
fn chains_that_start_at_a_free_name_are_read() {
    for (source, names) in [
        (
            r#"kubelet.authorization.mode != "AlwaysAllow""#,
            vec!["kubelet.authorization.mode"],
        ),
        (
            r#"kubelet["a"].b == kubelet.c["d.e"]"#,
            vec!["kubelet.a.b", "kubelet.c.d.e"],
        ),
        ("has(kubelet.featureGates.X)", vec!["kubelet.featureGates"]),
        (
            "kubelet.clusterDNS[0] == choices.dns",
            vec!["kubelet.clusterDNS", "choices.dns"],
        ),
        ("kubelet.a.all(kubelet, kubelet.b)", vec!["kubelet.a"]),
        (
            "[1].exists(x, x == kubelet.a && [2].all(y, y == x))",
            vec!["kubelet.a"],
        ),
        ("type(kubelet.a) == int", vec!["kubelet.a"]),
        (
            r#"{"k": kubelet.a}.k.startsWith(kubelet.b)"#,
            vec!["kubelet.a", "kubelet.b"],
        ),
        ("kubelet", vec!["kubelet"]),
        ("1 == 1", vec![]),
    ] {
        assert_eq!(routes(source), names, "{source}");
    }
}

#[test]
fn a_node_knows_its_place() {
    for (source, names) in [
        (
            "1 < kubelet.a  . bc &&\n  kubelet[\"x\"] == é",
            vec!["kubelet.a  . bc", "kubelet[\"x\"]", "é"],
        ),
        (
            "has(kubelet.a.b) || kubelet.c.all(x, x in kubelet.d)",
            vec!["kubelet.a", "kubelet.c", "kubelet.d"],
        ),
    ] {
        // `é` cannot be an identifier: positions of what parses are all that matters.
        let source = source.replace('é', "z");
        let expression = Expression::parse(&source).unwrap();
        let places = expression.places();
        let found: Vec<&str> = expression
            .routes
            .iter()
            .map(|route| &source[places.route(route, &source)])
            .collect();
        let names: Vec<String> = names.iter().map(|name| name.replace('é', "z")).collect();
        assert_eq!(found, names);
    }
}

#[test]
fn what_is_not_cel_is_said_with_its_place() {
    for (source, span, message) in [
        ("a == ", 5..5, "the expression ends too early"),
        ("a = 1", 2..3, ""),
        ("a == 1 b", 7..8, "mismatched input 'b' expecting <EOF>"),
        ("@read(1)", 0..1, ""),
        ("a\n  == 'x", 7..8, ""),
    ] {
        let faults = Expression::parse(source).unwrap_err();
        assert!(faults[0].message.contains(message), "{source}: {faults:?}");
        assert_eq!(faults[0].code, Code::CheckSyntax);
        assert_eq!(faults[0].span, span, "{source}: {faults:?}");
    }
}

#[test]
fn costly_expressions_are_refused_without_harm() {
    let two = "[1].all(x, [1].all(y, x == y))";
    assert!(Expression::parse(two).is_ok());
    let full = |unit: &str, tail: &str| {
        format!(
            "{}{tail}",
            unit.repeat((MAX_SOURCE - tail.len()) / unit.len())
        )
    };
    for source in [
        "[1].all(x, [1].all(y, [1].all(z, x == y)))".to_owned(),
        "[1].map(x, [1].filter(y, [1].exists(z, true))) == []".to_owned(),
        "a".repeat(MAX_SOURCE + 1),
        full("(", ""),
        full("[", ""),
        full("-", "x"),
        full("!", "a"),
        full("- ", "1"),
        full("a==", "a"),
        full("1+", "1"),
        full("a.", "a"),
        full("a.f().", "a"),
        full(".f()", ""),
        format!("a{}", ".f()".repeat(1_000)),
        format!("a{}", ".map(x,x)".repeat(400)),
        full("a?", "b"),
        full("a?b:", "b"),
        full("f(", ""),
        full("{1:", ""),
        full("a[", ""),
        full("a.all(x,", ""),
        format!("a{}", "[0]".repeat(1_300)),
        full("A{b:", ""),
        "A{}".to_owned(),
        full("a in ", "a"),
        full("`", ""),
        full("\"", ""),
    ] {
        let faults = Expression::parse(&source).map(|_| source.len());
        // Members of members and signs that cancel each other are harmless; all else is refused.
        let harmless = ["a.a.", "--", "- -", "!!"]
            .iter()
            .any(|start| source.starts_with(start));
        assert!(faults.is_err() || harmless, "{source:.20}");
    }
    assert_eq!(
        Expression::parse(&full("true && ", "true"))
            .unwrap()
            .routes
            .len(),
        0
    );
}
