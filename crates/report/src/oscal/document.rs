//! The part of OSCAL's assessment results that we write; names are those of the schema.

use serde::Serialize;

/// What our properties are called apart by.
pub(crate) const NAMESPACE: &str = "urn:kubeassay:oscal";

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ns: Option<&'static str>,
    pub(crate) value: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ImportPlan {
    pub(crate) href: String,
    pub(crate) remarks: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Metadata {
    pub(crate) title: &'static str,
    pub(crate) last_modified: String,
    pub(crate) version: String,
    pub(crate) oscal_version: &'static str,
    pub(crate) props: Vec<Property>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BackMatter {
    pub(crate) resources: Vec<Resource>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Resource {
    pub(crate) uuid: String,
    pub(crate) title: &'static str,
    pub(crate) description: String,
    pub(crate) props: Vec<Property>,
}

/// The head of a result; the arrays of what was found follow it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ResultHead {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<String>,
    pub(crate) props: Vec<Property>,
    #[serde(skip_serializing_if = "ResultDefinitions::is_empty")]
    pub(crate) local_definitions: ResultDefinitions,
    pub(crate) reviewed_controls: ReviewedControls,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ResultDefinitions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) inventory_items: Vec<InventoryItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assessment_assets: Option<AssessmentAssets>,
}

impl ResultDefinitions {
    const fn is_empty(&self) -> bool {
        self.inventory_items.is_empty() && self.assessment_assets.is_none()
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct InventoryItem {
    pub(crate) uuid: String,
    pub(crate) description: String,
    pub(crate) props: Vec<Property>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct AssessmentAssets {
    pub(crate) components: [Component; 1],
    pub(crate) assessment_platforms: [Platform; 1],
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Component {
    pub(crate) uuid: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) description: &'static str,
    pub(crate) props: [Property; 1],
    pub(crate) status: ComponentStatus,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ComponentStatus {
    pub(crate) state: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Platform {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) uses_components: [UsesComponent; 1],
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct UsesComponent {
    pub(crate) component_uuid: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ReviewedControls {
    pub(crate) control_selections: Vec<Selection>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Selection {
    pub(crate) description: String,
    pub(crate) include_controls: Vec<SelectedControl>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SelectedControl {
    pub(crate) control_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) statement_ids: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Observation {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) props: Vec<Property>,
    pub(crate) methods: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) types: Vec<&'static str>,
    pub(crate) origins: [Origin; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) subjects: Vec<SubjectReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) relevant_evidence: Vec<RelevantEvidence>,
    pub(crate) collected: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remarks: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Origin {
    pub(crate) actors: [Actor; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Actor {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) actor_uuid: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SubjectReference {
    pub(crate) subject_uuid: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) title: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct RelevantEvidence {
    pub(crate) description: String,
    pub(crate) props: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remarks: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct OscalFinding {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) props: Vec<Property>,
    pub(crate) origins: [Origin; 1],
    pub(crate) target: Target,
    pub(crate) related_observations: [RelatedObservation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) related_risks: Vec<RelatedRisk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remarks: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Target {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(rename = "target-id")]
    pub(crate) id: String,
    pub(crate) status: TargetStatus,
}

#[derive(Debug, Serialize)]
pub(crate) struct TargetStatus {
    pub(crate) state: &'static str,
    pub(crate) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remarks: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RelatedObservation {
    pub(crate) observation_uuid: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RelatedRisk {
    pub(crate) risk_uuid: String,
}

/// What somebody accepted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Risk {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) statement: String,
    pub(crate) props: Vec<Property>,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<String>,
    pub(crate) related_observations: [RelatedObservation; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Definitions {
    pub(crate) objectives_and_methods: Vec<Objective>,
}

/// What a rule asks for, as an objective of the first control that it is known by.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Objective {
    pub(crate) control_id: String,
    pub(crate) props: Vec<Property>,
    pub(crate) parts: [Part; 1],
}

#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) prose: String,
}
