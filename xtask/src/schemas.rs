//! The JSON Schemas of the documents that kubeassay writes, and of those that people write for it.

use anyhow::Result;
use kubeassay_core::changes::Changes;
use kubeassay_core::facts::Facts;
use kubeassay_core::plan::Plan;
use kubeassay_core::report::Report;
use kubeassay_core::transaction::Transaction;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// Returns `docs/schema/report.v1.json`.
pub(crate) fn report() -> Result<String> {
    schema::<Report>("kubeassay.report/v1")
}

/// Returns `docs/schema/diff.v1.json`.
pub(crate) fn diff() -> Result<String> {
    schema::<Changes>("kubeassay.diff/v1")
}

/// Returns `docs/schema/facts.v1.json`.
pub(crate) fn facts() -> Result<String> {
    schema::<Facts>("kubeassay.facts/v1")
}

/// Returns `docs/schema/plan.v1.json`.
pub(crate) fn plan() -> Result<String> {
    schema::<Plan>("kubeassay.plan/v1")
}

/// Returns `docs/schema/transaction.v1.json`.
pub(crate) fn transaction() -> Result<String> {
    schema::<Transaction>("kubeassay.transaction/v1")
}

/// Returns `docs/schema/waivers.v1.json`: what people write, so that its reader says what is allowed.
pub(crate) fn waivers() -> Result<String> {
    let mut text = serde_json::to_string_pretty(&kubeassay_report::waivers::schema())?;
    text.push('\n');
    Ok(text)
}

fn schema<T: JsonSchema>(title: &str) -> Result<String> {
    // Documents are what is written, so a field that may be absent when read is still always there.
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    Ok(text)
}
