//! An OCI image with one file in it, made from scratch: no container engine is needed.
//!
//! The archive is an OCI image layout in a tar file, as `skopeo`, `podman load` and `ctr images import` read it. The
//! layer is not compressed: every tool that pushes an image compresses it, and bytes that depend on no compressor's
//! version are the same on every machine.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::digest::sha256;
use super::tar::Tar;

/// The media type of an index.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a manifest.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a configuration.
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a layer that is not compressed.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What an image is made of.
pub(super) struct Image<'a> {
    /// The program.
    pub(super) program: &'a [u8],
    /// The processor it is for, as Rust names it.
    pub(super) processor: &'a str,
    /// When it counts as made, in seconds since 1970.
    pub(super) time: u64,
    /// The same as RFC 3339 has it.
    pub(super) created: &'a str,
    /// The version of the program.
    pub(super) version: &'a str,
    /// The commit it was built from.
    pub(super) commit: Option<&'a str>,
    /// Its licence.
    pub(super) licence: &'a str,
    /// What it is, in a sentence.
    pub(super) description: &'a str,
}

impl Image<'_> {
    /// Returns the image as an archive.
    pub(super) fn archive(&self) -> Result<Vec<u8>> {
        let mut layer = Tar::new(self.time);
        layer.file("kubeassay", 0o755, self.program)?;
        let layer = layer.finish();
        let architecture = self.architecture()?;
        let labels = self.labels();
        let config = serde_json::to_vec(&json!({
            "architecture": architecture,
            "os": "linux",
            "created": self.created,
            "config": {
                "User": "0",
                "Entrypoint": ["/kubeassay"],
                // Whoever names the program, as `kubeassay manifest` does, need not know where it lies.
                "Env": ["PATH=/"],
                "WorkingDir": "/",
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
            "history": [{"created": self.created, "created_by": "cargo xtask dist"}],
        }))?;
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [descriptor(LAYER, &layer)],
            "annotations": labels,
        }))?;
        let index = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [{
                "mediaType": MANIFEST,
                "digest": digest(&manifest),
                "size": manifest.len(),
                "platform": {"architecture": architecture, "os": "linux"},
                "annotations": {"org.opencontainers.image.ref.name": self.version},
            }],
        }))?;

        let mut blobs = [config, layer, manifest].map(|blob| (sha256(&blob), blob));
        blobs.sort();
        let mut archive = Tar::new(self.time);
        archive.file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        archive.file("index.json", 0o644, &index)?;
        archive.folder("blobs")?;
        archive.folder("blobs/sha256")?;
        for (digest, blob) in &blobs {
            archive.file(&format!("blobs/sha256/{digest}"), 0o644, blob)?;
        }
        Ok(archive.finish())
    }

    /// Returns the processor as OCI, which has Go's names, writes it.
    fn architecture(&self) -> Result<&'static str> {
        Ok(match self.processor {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => bail!("no image is made for {other}"),
        })
    }

    /// Returns what the image says of itself.
    fn labels(&self) -> Map<String, Value> {
        [
            ("title", Some("kubeassay")),
            ("description", Some(self.description)),
            ("version", Some(self.version)),
            ("revision", self.commit),
            ("created", Some(self.created)),
            ("licenses", Some(self.licence)),
        ]
        .into_iter()
        .filter_map(|(key, value)| {
            Some((
                format!("org.opencontainers.image.{key}"),
                Value::from(value?),
            ))
        })
        .collect()
    }
}

/// Returns what names a blob and says how long it is.
fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(blob), "size": blob.len()})
}

/// Returns a digest as OCI writes it.
fn digest(blob: &[u8]) -> String {
    format!("sha256:{}", sha256(blob))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::Image;
    use crate::dist::digest::sha256;
    use crate::dist::testing::entries;

    /// An image with a program that is none.
    const IMAGE: Image<'static> = Image {
        program: b"a program",
        processor: "aarch64",
        time: 1_700_000_000,
        created: "2023-11-14T22:13:20Z",
        version: "1.2.3",
        commit: Some("0123abc"),
        licence: "Apache-2.0",
        description: "Judges nodes",
    };

    /// Returns the files of an archive by name.
    fn files(archive: &[u8]) -> BTreeMap<String, &[u8]> {
        entries(archive)
            .into_iter()
            .map(|entry| (entry.name, entry.contents))
            .collect()
    }

    /// Returns the blob that a descriptor names, with what the descriptor says of it checked.
    fn blob<'a>(files: &BTreeMap<String, &'a [u8]>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"].as_str().unwrap();
        let (algorithm, hex) = digest.split_once(':').unwrap();
        assert_eq!(algorithm, "sha256");
        let blob = files[&format!("blobs/sha256/{hex}")];
        assert_eq!(sha256(blob), hex);
        assert_eq!(descriptor["size"], blob.len());
        blob
    }

    #[test]
    fn image_is_whole_from_the_index_down_to_the_program() {
        let archive = IMAGE.archive().unwrap();
        let files = files(&archive);
        assert_eq!(files.len(), 7, "{:?}", files.keys());
        assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        let index: Value = serde_json::from_slice(files["index.json"]).unwrap();
        assert_eq!(
            index["mediaType"],
            "application/vnd.oci.image.index.v1+json"
        );
        let [entry] = index["manifests"].as_array().unwrap().as_slice() else {
            panic!("one manifest: {index}");
        };
        assert_eq!(
            entry["platform"],
            json!({"architecture": "arm64", "os": "linux"})
        );

        let manifest: Value = serde_json::from_slice(blob(&files, entry)).unwrap();
        assert_eq!(manifest["mediaType"], entry["mediaType"]);
        let config: Value = serde_json::from_slice(blob(&files, &manifest["config"])).unwrap();
        assert_eq!(
            manifest["config"]["mediaType"],
            "application/vnd.oci.image.config.v1+json"
        );
        let [layer] = manifest["layers"].as_array().unwrap().as_slice() else {
            panic!("one layer: {manifest}");
        };
        assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar");
        // Not compressed: what is unpacked has the digest of what is packed.
        assert_eq!(config["rootfs"]["diff_ids"], json!([layer["digest"]]));
        assert_eq!(config["architecture"], "arm64");
        assert_eq!(config["config"]["Entrypoint"], json!(["/kubeassay"]));
        assert_eq!(config["config"]["Env"], json!(["PATH=/"]));
        assert_eq!(config["config"]["User"], "0");
        assert_eq!(
            config["config"]["Labels"],
            json!({
                "org.opencontainers.image.title": "kubeassay",
                "org.opencontainers.image.description": "Judges nodes",
                "org.opencontainers.image.version": "1.2.3",
                "org.opencontainers.image.revision": "0123abc",
                "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
                "org.opencontainers.image.licenses": "Apache-2.0",
            })
        );

        let layer = entries(blob(&files, layer));
        let [program] = layer.as_slice() else {
            panic!("one file in the layer");
        };
        assert_eq!(program.name, "kubeassay");
        assert_eq!(program.mode, 0o755);
        assert_eq!(program.owner, (0, 0));
        assert_eq!(program.time, 1_700_000_000);
        assert_eq!(program.contents, b"a program");
    }

    #[test]
    fn image_of_the_same_is_the_same_and_of_another_is_another() {
        let once = IMAGE.archive().unwrap();
        assert_eq!(once, IMAGE.archive().unwrap());
        let other = Image {
            program: b"b program",
            ..IMAGE
        };
        assert_ne!(once, other.archive().unwrap());
    }

    #[test]
    fn image_without_a_commit_names_none_and_for_an_unknown_processor_is_refused() {
        let image = Image {
            commit: None,
            ..IMAGE
        };
        assert!(image.labels().keys().all(|key| !key.ends_with("revision")));
        let image = Image {
            processor: "riscv64",
            ..IMAGE
        };
        assert_eq!(
            image.archive().unwrap_err().to_string(),
            "no image is made for riscv64"
        );
    }
}
