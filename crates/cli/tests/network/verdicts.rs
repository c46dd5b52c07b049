//! What is said of whole clusters, rule by rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kubeassay_testkit::api_server::nodes;
use kubeassay_testkit::clusters;

use crate::lab::Lab;
use crate::objects::judged;

/// A cluster as kubeadm leaves it, one in order, and one that is not.
#[test]
fn whole_clusters_are_judged_rule_by_rule() {
    for (name, objects) in [
        ("kubeadm", clusters::kubeadm()),
        ("hardened", clusters::hardened()),
        ("careless", clusters::careless()),
    ] {
        let lab = Lab::new();
        let mut server = lab.server(nodes(0), true);
        server.objects = objects;
        let report = judged(&lab, &server.start()).report();
        // Ordered by control, as people read it.
        let mut rules: BTreeMap<(String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for finding in report["findings"].as_array().unwrap() {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            let mut controls = finding["controls"].as_array().unwrap().iter();
            let control = controls.find(|one| one["framework"] == "cis-kubernetes");
            let control = control.map_or("-", |one| one["control"].as_str().unwrap());
            let subject = finding["subject"]["key"].as_str().unwrap();
            let verdicts = rules.entry((control.to_owned(), text("rule"))).or_default();
            let subjects = verdicts.entry(text("verdict")).or_default();
            subjects.push(subject.replace("namespace/", "").replace("holder/", ""));
        }
        let mut page = String::new();
        for ((control, rule), verdicts) in &rules {
            page.extend([control.as_str(), " ", rule.as_str(), "\n"]);
            for (verdict, subjects) in verdicts {
                let (count, subjects) = (subjects.len(), subjects.join(", "));
                writeln!(page, "    {verdict} {count}: {subjects}").unwrap();
            }
        }
        insta::assert_snapshot!(name, page);
    }
}
