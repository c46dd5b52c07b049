//! The JSON Schemas of the documents that kubeassay writes.

use anyhow::Result;
use kubeassay_core::facts::Facts;
use kubeassay_core::plan::Plan;
use kubeassay_core::report::Report;
use kubeassay_core::transaction::Transaction;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// Returns `docs/schemas/report.v1.json`.
pub(crate) fn report() -> Result<String> {
    schema::<Report>("kubeassay.report/v1")
}

/// Returns `docs/schemas/facts.v1.json`.
pub(crate) fn facts() -> Result<String> {
    schema::<Facts>("kubeassay.facts/v1")
}

/// Returns `docs/schemas/plan.v1.json`.
pub(crate) fn plan() -> Result<String> {
    schema::<Plan>("kubeassay.plan/v1")
}

/// Returns `docs/schemas/transaction.v1.json`.
pub(crate) fn transaction() -> Result<String> {
    schema::<Transaction>("kubeassay.transaction/v1")
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
