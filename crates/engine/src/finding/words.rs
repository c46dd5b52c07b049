//! Reasons in words.

use kubeassay_core::report::Evidence;
use kubeassay_core::rule::UnknownSetting;

use crate::node;
use crate::view::below;

/// Returns `authorization.mode is Webhook`, for every setting that was read.
pub(crate) fn values<'a>(evidence: impl IntoIterator<Item = &'a Evidence>) -> String {
    let said: Vec<String> = evidence
        .into_iter()
        .filter_map(|evidence| {
            let name = evidence.setting.as_ref()?;
            Some(format!("{} is {}", short(name), evidence.value))
        })
        .collect();
    if said.is_empty() {
        "it does not depend on any setting".to_owned()
    } else {
        said.join(", ")
    }
}

pub(crate) fn unknown_reason(settings: &[UnknownSetting]) -> String {
    let said: Vec<String> = settings
        .iter()
        .map(|unknown| {
            format!(
                "{} is not known: {}",
                short(&unknown.setting),
                unknown.reason
            )
        })
        .collect();
    said.join("; ")
}

/// Returns the name of a setting as its component calls it. The node's keep theirs: nobody else has such.
fn short(name: &str) -> &str {
    if below(name, node::ROOT).is_some() {
        return name;
    }
    name.split_once('.').map_or(name, |(_, path)| path)
}
