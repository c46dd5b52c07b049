//! Who assesses, and when: what all results of a document say.

use jiff::Timestamp;
use kubeassay_core::report::Tool;

use super::document::{
    AssessmentAssets, Component, ComponentStatus, Platform, Property, UsesComponent,
};
use super::finding::Around;
use super::subject::Subject;
use super::words::{markup, string, time, uuid};

/// Who assesses, and when.
#[derive(Debug)]
pub(crate) struct Run {
    /// When it began.
    pub(crate) started: Timestamp,
    /// The same, as it is written.
    pub(crate) start: String,
    /// What UUIDs are made of that no other run may have.
    pub(crate) key: String,
    /// The UUID of the program.
    pub(crate) tool: String,
    pub(crate) assets: AssessmentAssets,
}

impl Run {
    /// Returns a run of `tool`. `platform`: what the platform's UUID is made of, and what it is called.
    pub(crate) fn new(tool: &Tool, started: Timestamp, key: String, platform: [&str; 2]) -> Self {
        let [of, called] = platform;
        let uuid_of_tool = uuid(&["tool", &tool.name, &tool.version]);
        let assets = AssessmentAssets {
            components: [Component {
                uuid: uuid_of_tool.clone(),
                kind: "software",
                title: markup(&tool.name),
                description: "judges the configuration that components of Kubernetes run with",
                props: [Property {
                    name: "version",
                    ns: None,
                    value: string(&tool.version),
                }],
                status: ComponentStatus {
                    state: "operational",
                },
            }],
            assessment_platforms: [Platform {
                uuid: uuid(&["platform", &uuid_of_tool, of]),
                title: format!("{}, {called}", markup(&tool.name)),
                uses_components: [UsesComponent {
                    component_uuid: uuid_of_tool.clone(),
                }],
            }],
        };
        Self {
            started,
            start: time(started),
            key,
            tool: uuid_of_tool,
            assets,
        }
    }

    /// Returns what is said beside what was found of `subject`.
    pub(crate) fn around<'a>(&'a self, subject: &'a Subject) -> Around<'a> {
        let item = subject.item.as_ref();
        Around {
            started: self.started,
            key: &self.key,
            tool: &self.tool,
            item: item.map(|item| (item.uuid.as_str(), subject.name.as_str())),
        }
    }
}
