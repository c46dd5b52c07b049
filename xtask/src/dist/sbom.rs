//! The list of what the program is made of (software bill of materials), as `CycloneDX` 1.6 has it.
//!
//! What is linked for this target, and nothing else: a crate that only tests, build scripts or procedural macros use is
//! no part of the program.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::digest::sha256;
use super::toolchain::Toolchain;
use crate::crates::{Id, Package, Packages, Tree};

/// What the list is made from.
pub(super) struct Sbom<'a> {
    /// The crates and what each depends on.
    pub(super) tree: &'a Tree,
    /// What cargo knows of them.
    pub(super) packages: &'a Packages,
    /// Their checksums.
    pub(super) checksums: &'a BTreeMap<Id, String>,
    /// The program.
    pub(super) program: &'a [u8],
    /// When it counts as made, as RFC 3339 has it.
    pub(super) created: &'a str,
    /// What is linked besides crates.
    pub(super) toolchain: &'a Toolchain,
}

impl Sbom<'_> {
    /// Returns the list as JSON.
    pub(super) fn json(&self) -> Result<String> {
        let root = &self.tree.root;
        let mut application = self.component(root, "application")?;
        application.insert("hashes".to_owned(), hashes(&sha256(self.program)));
        let mut components = Vec::new();
        let mut graph = Vec::new();
        let runtime = self.runtime();
        for (id, dependencies) in &self.tree.dependencies {
            let mut references: Vec<Value> = dependencies
                .iter()
                .map(|id| Value::from(id.to_string()))
                .collect();
            if id == root {
                references.extend(runtime.iter().map(|(reference, _)| json!(reference)));
            } else {
                components.push(Value::Object(self.component(id, "library")?));
            }
            graph.push(json!({"ref": id.to_string(), "dependsOn": references}));
        }
        graph.extend(
            runtime
                .iter()
                .map(|(reference, _)| json!({"ref": reference})),
        );
        components.extend(runtime.map(|(_, component)| component));
        let list = json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "timestamp": self.created,
                "tools": {"components": [{"type": "application", "name": "cargo xtask dist"}]},
                "component": application,
                "properties": [{"name": "target", "value": self.toolchain.target}],
            },
            "components": components,
            "dependencies": graph,
        });
        Ok(serde_json::to_string_pretty(&list)? + "\n")
    }

    /// Returns a crate as a component.
    fn component(&self, id: &Id, kind: &str) -> Result<Map<String, Value>> {
        let package: &Package = self
            .packages
            .get(id)
            .with_context(|| format!("cargo metadata does not know {id}"))?;
        let licence = package
            .license
            .as_deref()
            .with_context(|| format!("{id} names no licence"))?;
        let mut component = Map::new();
        let mut insert = |key: &str, value: Value| component.insert(key.to_owned(), value);
        insert("type", json!(kind));
        insert("bom-ref", json!(id.to_string()));
        insert("name", json!(id.name));
        insert("version", json!(id.version));
        insert("scope", json!("required"));
        insert("licenses", json!([{"expression": expression(licence)}]));
        if let Some(description) = &package.description {
            let words: Vec<&str> = description.split_whitespace().collect();
            insert("description", json!(words.join(" ")));
        }
        // Ours are in no registry: a package URL would name something else, or nothing.
        if package.source.is_some() {
            let checksum = self
                .checksums
                .get(id)
                .with_context(|| format!("Cargo.lock has no checksum of {id}"))?;
            insert("hashes", hashes(checksum));
            insert("purl", json!(package_url(id)));
        }
        Ok(component)
    }

    /// Returns what every static Rust program has in it besides crates: reference, component.
    fn runtime(&self) -> [(String, Value); 3] {
        let (glibc, package) = &self.toolchain.glibc;
        let (rust, gcc) = (&self.toolchain.rust, &self.toolchain.gcc);
        [
            (
                "std",
                rust,
                "MIT OR Apache-2.0",
                format!("rust-lang:rust:{rust}"),
            ),
            (
                "glibc",
                package,
                "LGPL-2.1-or-later",
                format!("gnu:glibc:{glibc}"),
            ),
            (
                "libgcc",
                gcc,
                "GPL-3.0-or-later WITH GCC-exception-3.1",
                format!("gnu:gcc:{gcc}"),
            ),
        ]
        .map(|(name, version, licence, product)| {
            let reference = format!("{name}@{version}");
            let component = json!({
                "type": "library",
                "bom-ref": reference,
                "name": name,
                "version": version,
                "scope": "required",
                "licenses": [{"expression": licence}],
                "cpe": format!("cpe:2.3:a:{product}:*:*:*:*:*:*:*"),
            });
            (reference, component)
        })
    }
}

/// Returns a SHA-256 as `CycloneDX` has it.
fn hashes(sha256: &str) -> Value {
    json!([{"alg": "SHA-256", "content": sha256}])
}

/// Returns a licence as an SPDX expression; older crates have a slash for "or".
fn expression(licence: &str) -> String {
    let either: Vec<&str> = licence.split('/').map(str::trim).collect();
    either.join(" OR ")
}

/// Returns the package URL of a crate from crates.io.
fn package_url(id: &Id) -> String {
    format!("pkg:cargo/{}@{}", id.name, id.version.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::{Sbom, expression};
    use crate::crates::{Id, Package, Tree};
    use crate::dist::toolchain::Toolchain;

    /// Returns what tells a crate.
    fn id(name: &str, version: &str) -> Id {
        Id {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    /// Returns a crate, from crates.io or our own, as `cargo metadata` has it.
    fn package(id: &Id, source: Option<&str>) -> Package {
        serde_json::from_value(json!({
            "name": id.name,
            "version": id.version,
            "id": id.to_string(),
            "license": "MIT/Apache-2.0",
            "description": "What it\n is\n",
            "source": source,
            "manifest_path": "/crates/it/Cargo.toml",
            "targets": [],
        }))
        .unwrap()
    }

    #[test]
    fn list_has_every_crate_with_its_source_and_its_edges() {
        let (ours, theirs) = (id("kubeassay", "0.1.0"), id("toml", "1.0.0+spec"));
        let sum = "12".repeat(32);
        let list = Sbom {
            tree: &Tree {
                root: ours.clone(),
                dependencies: BTreeMap::from([
                    (ours.clone(), BTreeSet::from([theirs.clone()])),
                    (theirs.clone(), BTreeSet::new()),
                ]),
            },
            packages: &BTreeMap::from([
                (ours.clone(), package(&ours, None)),
                (theirs.clone(), package(&theirs, Some("registry+https://x"))),
            ]),
            checksums: &BTreeMap::from([(theirs, sum.clone())]),
            program: b"abc",
            created: "2023-11-14T22:13:20Z",
            toolchain: &Toolchain {
                target: "x86_64-unknown-linux-gnu",
                processor: "x86_64",
                rust: "1.95.0".to_owned(),
                rust_commit: String::new(),
                sysroot: PathBuf::new(),
                glibc: ("2.36".to_owned(), "2.36-9".to_owned()),
                gcc: "12.2.0".to_owned(),
            },
        };
        let list: Value = serde_json::from_str(&list.json().unwrap()).unwrap();
        assert_eq!(
            list["components"][0],
            json!({
                "type": "library",
                "bom-ref": "toml@1.0.0+spec",
                "name": "toml",
                "version": "1.0.0+spec",
                "description": "What it is",
                "scope": "required",
                "hashes": [{"alg": "SHA-256", "content": sum}],
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "purl": "pkg:cargo/toml@1.0.0%2Bspec",
            })
        );
        let names: Vec<&str> = list["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|component| component["bom-ref"].as_str())
            .collect();
        assert_eq!(
            names,
            [
                "toml@1.0.0+spec",
                "std@1.95.0",
                "glibc@2.36-9",
                "libgcc@12.2.0"
            ]
        );
        let application = &list["metadata"]["component"];
        assert_eq!(application["type"], "application");
        assert_eq!(application["purl"], Value::Null);
        assert!(
            application["hashes"][0]["content"]
                .as_str()
                .unwrap()
                .starts_with("ba7816bf")
        );
        assert_eq!(
            list["dependencies"][0],
            json!({"ref": "kubeassay@0.1.0", "dependsOn": names})
        );
        assert_eq!(list["dependencies"].as_array().unwrap().len(), 5);
        assert_eq!(
            list["components"][2]["cpe"],
            "cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*"
        );
    }

    #[test]
    fn older_licences_become_expressions() {
        for (licence, expected) in [
            ("MIT", "MIT"),
            ("Apache-2.0 / MIT", "Apache-2.0 OR MIT"),
            (
                "(MIT OR Apache-2.0) AND Unicode-3.0",
                "(MIT OR Apache-2.0) AND Unicode-3.0",
            ),
        ] {
            assert_eq!(expression(licence), expected);
        }
    }
}
