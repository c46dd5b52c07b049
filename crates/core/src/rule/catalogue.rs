//! The rules of a scan: the bundled ones, and pages that were added.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::diagnostic::{Code, Diagnostic};
use super::document::Draft;
use super::selector::{UnknownSelector, find};
use super::setting::Schema;
use super::{Origin, PreparedRules, Rule};

/// A page that is to be added.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The file, as it is to be shown.
    pub file: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// Whether a page may take the place of a bundled rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    /// It may not.
    Refused,
    /// It may.
    Allowed,
}

/// A set of rules with unique ids.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    rules: BTreeMap<String, Rule>,
    /// Bundled rules that were replaced: pages without a check are bound to what was bundled.
    replaced: BTreeMap<String, Rule>,
    /// The digest that the program was built with, as long as there are no other rules.
    digest: Option<&'static str>,
}

impl Catalogue {
    /// Reads the bundled pages, given as (path below `rules/`, text).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them. Their form and their expressions are not held against a schema
    /// here; that is what [`Rule::lint`] and the tests of the pages are for.
    pub fn bundled(pages: &[(&str, &str)]) -> Result<Self, Vec<Diagnostic>> {
        let mut catalogue = Self::default();
        let mut faults = Vec::new();
        for (file, text) in pages {
            match Draft::read(file, text.as_bytes(), Origin::Bundled) {
                Ok(draft) => match catalogue.clash(&draft, false) {
                    Some(fault) => faults.push(fault),
                    None => catalogue.insert(draft.into_rule(None)),
                },
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() {
            Ok(catalogue)
        } else {
            Err(faults)
        }
    }

    /// Takes the rules that the program was built with. No page is read before someone asks for its prose.
    pub fn prepared(bundled: &'static PreparedRules) -> Self {
        Self {
            rules: bundled
                .rules
                .iter()
                .map(|rule| (rule.id.to_owned(), rule.rule()))
                .collect(),
            replaced: BTreeMap::new(),
            digest: Some(bundled.digest),
        }
    }

    /// Adds pages from elsewhere and returns what is wrong with them.
    ///
    /// A page with an error is left out, the others are added; warnings leave nothing out. The order of
    /// the pages decides nothing but which of two with the same id is left out.
    pub fn add(
        &mut self,
        pages: &[Document<'_>],
        replacing: Replacing,
        schema: &dyn Schema,
    ) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        for page in pages {
            match self.add_one(page, replacing, schema) {
                Ok(warnings) => faults.extend(warnings),
                Err(found) => faults.extend(found),
            }
        }
        faults
    }

    /// Returns the rules, sorted by id.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.values()
    }

    /// Returns the rule with this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// Returns the ids of the rules that were added and replace nothing.
    pub fn added(&self) -> Vec<&str> {
        let added = self
            .rules
            .values()
            .filter(|rule| rule.origin != Origin::Bundled);
        added
            .map(Rule::id)
            .filter(|id| !self.replaced.contains_key(*id))
            .collect()
    }

    /// Returns the ids of the bundled rules that were replaced.
    pub fn replaced(&self) -> Vec<&str> {
        self.replaced.keys().map(String::as_str).collect()
    }

    /// Returns `sha256:…` over the ids and texts of all rules, whatever the order they were added in.
    pub fn digest(&self) -> String {
        if let Some(digest) = self.digest {
            return digest.to_owned();
        }
        let mut hasher = Sha256::new();
        for (id, rule) in &self.rules {
            for part in [id.as_str(), rule.text()] {
                // The length keeps two neighbouring texts apart.
                hasher.update(part.len().to_be_bytes());
                hasher.update(part);
            }
        }
        let mut digest = "sha256:".to_owned();
        for byte in hasher.finalize() {
            let written = write!(digest, "{byte:02x}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        digest
    }

    /// Returns the rules that the words mean, sorted by id, each once; all where there are no words.
    ///
    /// A bare number is a `cis-kubernetes` number, others are written with their framework
    /// (`cis-eks:3.2.2`); ids and aliases work too. A number that several rules carry means all of them.
    ///
    /// # Errors
    ///
    /// The first word that means no rule, with what may have been meant.
    pub fn select<W: AsRef<str>>(&self, words: &[W]) -> Result<Vec<&Rule>, UnknownSelector> {
        let all: Vec<&Rule> = self.rules.values().collect();
        if words.is_empty() {
            return Ok(all);
        }
        let mut chosen: BTreeMap<&str, &Rule> = BTreeMap::new();
        for word in words {
            chosen.extend(
                find(word.as_ref(), &all)?
                    .into_iter()
                    .map(|rule| (rule.id(), rule)),
            );
        }
        Ok(chosen.into_values().collect())
    }

    fn add_one(
        &mut self,
        page: &Document<'_>,
        replacing: Replacing,
        schema: &dyn Schema,
    ) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let draft = Draft::read(page.file, page.bytes, Origin::Added(page.file.to_owned()))?;
        let replaces = self
            .rules
            .get(&draft.id)
            .is_some_and(|rule| rule.origin == Origin::Bundled);
        if replaces && replacing == Replacing::Refused {
            return Err(vec![replaces_bundled(&draft)]);
        }
        if let Some(fault) = self.clash(&draft, replaces) {
            return Err(vec![fault]);
        }
        let lender = if draft.borrows() {
            self.lender(&draft, replaces).cloned()
        } else {
            None
        };
        let rule = draft.into_rule(lender.as_ref());
        let faults = rule.lint(schema);
        if faults.iter().any(Diagnostic::is_error) {
            return Err(faults);
        }
        if replaces && let Some(bundled) = self.rules.remove(&rule.id) {
            self.replaced.insert(rule.id.clone(), bundled);
        }
        self.digest = None;
        self.insert(rule);
        Ok(faults)
    }

    fn insert(&mut self, rule: Rule) {
        self.rules.insert(rule.id.clone(), rule);
    }

    /// Returns the rules as they were bundled.
    fn originals(&self) -> impl Iterator<Item = &Rule> {
        let standing = self
            .rules
            .values()
            .filter(|rule| rule.origin == Origin::Bundled);
        standing.chain(self.replaced.values())
    }

    /// Returns the bundled rule whose check a page without one takes over: the one it replaces, the one at
    /// home at its control, or the only one that carries it.
    fn lender(&self, draft: &Draft, replaces: bool) -> Option<&Rule> {
        if replaces {
            return self.rules.get(&draft.id);
        }
        let (framework, number) = draft.home()?;
        let carries = |rule: &&Rule| {
            rule.controls
                .iter()
                .any(|control| control.framework == framework && control.control == number)
        };
        let at_home = |rule: &&Rule| {
            rule.controls
                .first()
                .is_some_and(|home| home.framework == framework && home.control == number)
        };
        let mut carrying: Vec<&Rule> = self.originals().filter(carries).collect();
        carrying.sort_by_key(|rule| rule.id());
        match carrying.as_slice() {
            [only] => Some(only),
            several => several.iter().copied().find(at_home),
        }
    }

    /// Reports that the page's id names another rule already, or one of its aliases is another's id.
    ///
    /// An alias may be shared: it then means all the rules that have it, like a number.
    fn clash(&self, draft: &Draft, replaces: bool) -> Option<Diagnostic> {
        let others = || {
            self.rules
                .values()
                .filter(|rule| !(replaces && rule.id == draft.id))
        };
        let front = &draft.front;
        let start = draft.page.front.start;
        let at = front.id.as_ref().map_or(start..start, |id| id.span.clone());
        let by_id = others()
            .find(|rule| rule.id == draft.id || rule.aliases.contains(&draft.id))
            .map(|other| (&draft.id, at, other));
        let by_alias = || {
            front.aliases.iter().find_map(|alias| {
                let other = others().find(|rule| rule.id == alias.value)?;
                Some((&alias.value, alias.span.clone(), other))
            })
        };
        let (name, span, other) = by_id.or_else(by_alias)?;
        let message = format!(
            "`{name}` already names the rule `{}` of {}",
            other.id,
            other.file()
        );
        Some(draft.page.diagnostic(Code::DuplicateId, span, message))
    }
}

fn replaces_bundled(draft: &Draft) -> Diagnostic {
    let start = draft.page.front.start;
    let span = draft
        .front
        .id
        .as_ref()
        .map_or(start..start, |id| id.span.clone());
    let message = format!("`{}` is the id of a bundled rule", draft.id);
    let help = "give the page an id of its own, or replace the bundled rule with --replace-rules"
        .to_owned();
    draft
        .page
        .diagnostic(Code::ReplacesBundled, span, message)
        .help(help)
}
