//! Where the paths of a captured host come from: each was seen on a node, or stands in documentation or sources.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// How a path of a captured host is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It was read on a node, as it stands in the captured host.
    Observed,
    /// Documentation or sources say so; no node was looked at.
    Documented,
}

/// Where all paths of a captured host come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The id of the platform that the host is a node of; none where it is of no platform.
    pub platform: Option<String>,
    /// The paths by their source, in the order of the file.
    pub paths: Vec<Marked>,
    /// Which of `paths` each path, or each folder with `/*` behind it, stands in.
    places: BTreeMap<String, usize>,
}

/// Paths of one source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    /// How they are known.
    pub mark: Mark,
    /// The page or the file that says so; of what was observed, the node.
    pub source: String,
    /// The version of that source: a release, a commit.
    pub version: String,
    /// The paths; `/*` at the end of one stands for everything below it that no longer entry names.
    pub of: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvenance {
    #[serde(default)]
    platform: Option<String>,
    paths: Vec<Marked>,
}

impl Provenance {
    /// Returns where `path` comes from; of several entries that name it the longest counts.
    pub fn of(&self, path: &str) -> Option<&Marked> {
        let named = |place: &str| self.paths.get(*self.places.get(place)?);
        let exact = named(path);
        exact.or_else(|| {
            let folders = path.rmatch_indices('/').map(|(at, _)| at);
            let mut folders = folders.filter_map(|at| Some(format!("{}/*", path.get(..at)?)));
            folders.find_map(|folder| named(&folder))
        })
    }

    /// Makes of what the file says what paths are looked up in.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong where a source or a version is missing, or an entry names nothing or is there twice.
    pub(super) fn read(raw: RawProvenance) -> Result<Self, String> {
        let mut places = BTreeMap::new();
        for (index, marked) in raw.paths.iter().enumerate() {
            if marked.source.trim().is_empty() || marked.version.trim().is_empty() {
                return Err(format!(
                    "`provenance`: the paths from `{}` want a `source` and its `version`",
                    marked.source
                ));
            }
            for place in &marked.of {
                if place == "/*" || !place.starts_with('/') {
                    return Err(format!(
                        "`provenance`: `{place}` is no absolute path, and no folder with `/*` behind it"
                    ));
                }
                if places.insert(place.clone(), index).is_some() {
                    return Err(format!("`provenance` names `{place}` twice"));
                }
            }
        }
        Ok(Self {
            platform: raw.platform,
            paths: raw.paths,
            places,
        })
    }

    /// Returns whether every one of `files` is marked, and nothing else.
    ///
    /// # Errors
    ///
    /// Fails with the first path that is not marked, or the first entry that marks none.
    pub(super) fn is_whole<'a>(
        &self,
        files: impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let mut unused: BTreeSet<String> = self.places.keys().cloned().collect();
        for path in files {
            if self.of(path).is_none() {
                return Err(format!(
                    "`provenance` does not say whether `{path}` was `observed` or is `documented`; name it, or its folder with `/*` behind it"
                ));
            }
            unused.remove(path);
            for (at, _) in path.match_indices('/') {
                unused.remove(&format!("{}/*", path.get(..at).unwrap_or_default()));
            }
        }
        match unused.first() {
            Some(place) => Err(format!(
                "`provenance` names `{place}`, which is no path of this host"
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CapturedHost;
    use super::Mark;

    const FILES: &str = "files:\n  /a/b: {text: x}\n  /a/c/d: {text: x}\n  /e: {text: x}\n";

    fn parse(provenance: &str) -> Result<CapturedHost, String> {
        let text = format!("provenance:\n  platform: kind\n  paths:\n{provenance}{FILES}");
        let host = CapturedHost::parse(&text).map_err(|error| error.to_string())?;
        host.whole_provenance().map_err(|error| error.to_string())?;
        Ok(host)
    }

    fn entry(mark: &str, of: &str) -> String {
        format!(
            "    - {{mark: {mark}, source: https://example.org/{mark}, version: v1, of: [{of}]}}\n"
        )
    }

    #[test]
    fn the_longest_entry_says_where_a_path_comes_from() {
        let text = entry("documented", "/a/*, /e") + &entry("observed", "/a/c/*");
        let host = parse(&text).unwrap();
        let provenance = host.provenance.unwrap();
        assert_eq!(provenance.platform.as_deref(), Some("kind"));
        for (path, mark) in [
            ("/a/b", Some(Mark::Documented)),
            ("/a/c/d", Some(Mark::Observed)),
            ("/e", Some(Mark::Documented)),
            ("/e/f", None),
        ] {
            assert_eq!(provenance.of(path).map(|one| one.mark), mark, "{path}");
        }
    }

    #[test]
    fn a_host_without_it_can_be_read_and_is_not_whole() {
        let host = CapturedHost::parse(FILES).unwrap();
        let error = host.whole_provenance().unwrap_err().to_string();
        assert!(error.contains("no `provenance`"), "{error}");
    }

    #[test]
    fn what_is_not_marked_or_marked_wrongly_is_refused() {
        let documented = |of: &str| entry("documented", of);
        for (text, wanted) in [
            (documented("/a/*"), "`/e` was `observed` or is `documented`"),
            (documented("/a/*, /e, /f"), "`/f`, which is no path"),
            (documented("/a/*, /e, /f/*"), "`/f/*`, which is no path"),
            (documented("/a/*, /e, /e"), "`/e` twice"),
            (documented("/*"), "`/*` is no absolute path"),
            (entry("guessed", "/a/*, /e"), "line 4"),
            (
                "    - {mark: documented, source: x, version: \"\", of: [/a/*, /e]}\n".to_owned(),
                "its `version`",
            ),
            (
                "    - {mark: documented, source: x, of: [/a/*, /e]}\n".to_owned(),
                "version",
            ),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
