//! The services of a node: what their next start makes of a component's configuration.

use kubeassay_config::units::{self, NextStart};
use kubeassay_core::facts::{Need, ProcessFacts, ServiceFacts};

use crate::kubelets;

/// Returns the files that say what `service` will start, and those that what it starts will read, as far as they are
/// not in its facts yet.
pub fn needs_of_service(service: &ServiceFacts) -> Vec<Need> {
    let needs = units::needs(service);
    if !needs.is_empty() {
        return needs;
    }
    match units::next_start(service) {
        Ok(next) => kubelets::needs(&process(service, &next)),
        Err(_) => Vec::new(),
    }
}

/// Returns the process that the next start will be: what it will read is what the service's facts hold.
pub(crate) fn process(service: &ServiceFacts, next: &NextStart) -> ProcessFacts {
    let argv = next.arguments.iter().map(|argument| argument.text.clone());
    ProcessFacts {
        component: service.component,
        exe: Some(next.executable.clone()),
        cwd: Some(next.cwd.clone()),
        environment: Some(next.environment.clone()),
        unit: Some(service.unit.clone()),
        executable: service.executable.clone(),
        files: service.files.clone(),
        ..ProcessFacts::new(0, argv.collect())
    }
}
