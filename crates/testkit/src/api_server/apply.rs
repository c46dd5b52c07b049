//! Server-side apply of custom resources, as far as whole objects of one manager go: each object is the last that was
//! applied. Who may not create may not apply what is not there yet.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::access::Attributes;
use super::wire::{Answer, Request};

/// The media type of server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

/// What was applied, by group, plural and name.
#[derive(Default)]
pub(super) struct Applied {
    objects: BTreeMap<(String, String, String), Json>,
    version: usize,
}

impl Applied {
    pub(super) fn get(&self, wanted: &Attributes) -> Option<Answer> {
        let object = self.objects.get(&key(wanted))?;
        Some(Answer::json(200, object.to_string()))
    }

    pub(super) fn put(&mut self, object: Json, group: &str, plural: &str) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = (group.to_owned(), plural.to_owned(), name.to_owned());
        self.objects.insert(key, object);
    }

    pub(super) fn all(&self) -> Vec<Json> {
        self.objects.values().cloned().collect()
    }

    pub(super) fn has(&self, wanted: &Attributes) -> bool {
        self.objects.contains_key(&key(wanted))
    }

    /// Applies an object (`patchResource` in `k8s.io/apiserver/pkg/endpoints/handlers`, `applyPatcher`).
    pub(super) fn apply(&mut self, request: &Request, wanted: &Attributes) -> Answer {
        if request.media != APPLY {
            return Answer::refused(
                415,
                "the body of the request was in an unknown format",
                &json!({}),
            );
        }
        if request.parameter("fieldManager").is_none() {
            return Answer::refused(422, "fieldManager: Required value", &json!({}));
        }
        let mut object: Json = serde_json::from_slice(&request.body).expect("JSON");
        let version = format!("{}/{}", wanted.group, wanted.version);
        if object["apiVersion"] != version || object["metadata"]["name"] != wanted.name {
            return Answer::refused(400, "the object is not the one of the path", &json!({}));
        }
        let key = key(wanted);
        let before = self.objects.get(&key);
        let asked = object["metadata"]
            .as_object_mut()
            .and_then(|metadata| metadata.remove("resourceVersion"));
        let stored = before.map(|before| before["metadata"]["resourceVersion"].clone());
        if asked.is_some() && asked != stored {
            let said = "the object has been modified; please apply your changes to the latest version and try again";
            return Answer::refused(409, said, &json!({}));
        }
        let status = if before.is_some() { 200 } else { 201 };
        let uid = json!(format!("uid-of-{}", wanted.name));
        object["metadata"]["uid"] = uid;
        let same = before.is_some_and(|before| {
            object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            object == *before
        });
        let dry = request.parameter("dryRun").is_some();
        if !same && !dry {
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.objects.insert(key, object.clone());
        }
        Answer::json(status, object.to_string())
    }
}

fn key(wanted: &Attributes) -> (String, String, String) {
    (
        wanted.group.clone(),
        wanted.resource.clone(),
        wanted.name.clone(),
    )
}
