//! How long the way from facts to a written report takes, stage by stage, for the recorded node of `--demo`.

#![expect(clippy::unwrap_used, reason = "the recorded node is well formed")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kubeassay_core::facts::{Facts, Source, Tool};
use kubeassay_core::report::{FailOn, GateOptions, Rules};
use kubeassay_core::rule::{Catalogue, Reading, Rule, Settings};
use kubeassay_engine::{BUNDLED_RULES, Options, judge, needs};
use kubeassay_report::{Format, Prose, Style, render};

const DEMO: &str = include_str!("../src/demo.json");

fn options(facts: &Facts) -> Options {
    Options {
        tool: Tool {
            name: "bench".to_owned(),
            version: "0".to_owned(),
            commit: None,
        },
        source: Source::Demo,
        cluster: None,
        started: facts.started,
        kubernetes_version: None,
        gate: GateOptions::new(FailOn::NEVER),
        rules: Rules {
            count: BUNDLED_RULES.rules.len(),
            digest: BUNDLED_RULES.digest.to_owned(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: kubeassay_core::rule::SiteChoices::default(),
    }
}

/// A subject of which there is no setting.
struct Nothing;

impl Settings for Nothing {
    fn read(&self, _setting: &str) -> Reading {
        Reading::NoSuchSetting
    }
}

fn pipeline(criterion: &mut Criterion) {
    let known: Facts = serde_json::from_str(DEMO).unwrap();
    let mut unknown = known.clone();
    // Nothing tells the version any more.
    unknown.node.packages.clear();
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.rules().collect();
    let options = options(&known);
    let prose = Prose::default();

    criterion.bench_function("load the bundled rules", |bencher| {
        bencher.iter(|| Catalogue::prepared(black_box(&BUNDLED_RULES)));
    });
    // A check is compiled when it is evaluated for the first time; of nothing it then reads one setting at most.
    criterion.bench_function("compile the checks of the bundled rules", |bencher| {
        let evaluate = |catalogue: Catalogue| {
            for rule in catalogue.rules() {
                black_box(rule.evaluate(&Nothing, &BTreeMap::new()));
            }
            catalogue
        };
        bencher.iter_batched(
            || Catalogue::prepared(&BUNDLED_RULES),
            evaluate,
            BatchSize::SmallInput,
        );
    });
    let kubelet = unknown.processes.first().unwrap();
    criterion.bench_function("ask what a kubelet reads", |bencher| {
        bencher.iter(|| needs(black_box(kubelet)));
    });
    for (name, facts) in [
        ("judge a kubelet of a known version", &known),
        ("judge a kubelet of unknown version", &unknown),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| judge(std::slice::from_ref(black_box(facts)), &rules, &options));
        });
    }
    let report = judge(std::slice::from_ref(&known), &rules, &options);
    for (name, format) in [
        ("render a table", Format::Table),
        ("render JSON", Format::Json),
        ("render YAML", Format::Yaml),
    ] {
        let style = Style {
            width: 80,
            colour: false,
        };
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut data = Vec::new();
                render(black_box(&report), format, style, &prose, &mut data).map(|()| data)
            });
        });
    }
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
