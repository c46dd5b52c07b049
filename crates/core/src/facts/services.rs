//! Facts of services: the unit files that will start a component again.

use serde::{Deserialize, Serialize};

use super::{ExecutableFacts, FileFacts, Need, Problem};
use crate::bytes::Bytes;
use crate::component::Component;

/// A service of the host's systemd that starts a component, or would.
///
/// Bytes, not interpretations: what its files mean is worked out when facts are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceFacts {
    /// The unit's name, such as `kubelet.service`.
    pub unit: Bytes,
    /// The component that it starts.
    #[serde(default = "super::kubelet")]
    pub component: Component,
    /// The processes that it started, by their cgroup or by the executable that they run.
    #[serde(default)]
    pub started: Vec<u32>,
    /// Its unit files and folders of drop-ins, its environment files, and the files that the component will read
    /// at its next start; all as the host sees them.
    #[serde(default)]
    pub files: Vec<FileFacts>,
    /// What the executable that it would start says of its version.
    #[serde(default)]
    pub executable: Option<ExecutableFacts>,
    /// What could not be read of it, beyond single files.
    #[serde(default)]
    pub problems: Vec<Problem>,
}

impl ServiceFacts {
    /// Returns a service that starts a kubelet and of which nothing but its name is known.
    pub const fn new(unit: Bytes) -> Self {
        Self {
            unit,
            component: Component::Kubelet,
            started: Vec::new(),
            files: Vec::new(),
            executable: None,
            problems: Vec::new(),
        }
    }

    /// Returns the facts of the file that was read for `need`.
    pub fn file(&self, need: &Need) -> Option<&FileFacts> {
        self.files.iter().find(|file| file.need == *need)
    }
}
