//! Pages of lists of a cluster's objects.

use kubeassay_core::facts::Trouble;
use kubeassay_core::facts::objects::{Builder, Inventory, Kind};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::input::Parts;

/// Shorter texts may be in a record by chance.
const SHORTEST: usize = 8;

/// Takes an input for the name of a list and pages of it. Names that are no list's are those of a resource that is only
/// counted (with a dot) or of a kind in the namespace `default`.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let list = List::named(&parts.next_text());
    let mut pages = Vec::new();
    while let Some(page) = parts.next_if_any() {
        pages.push(page);
    }
    let mut builder = Builder::new();
    let mut understood = true;
    for page in &pages {
        understood &= list.read(&mut builder, page);
    }
    let (inventory, faults) = list.finish(builder);
    let mut shown = format!("{inventory:?}{faults:?}");
    if let List::Kind(kind) = &list {
        // A list with faults is never a whole one, and one without is.
        assert_eq!(inventory.whole(*kind).err(), faults);
    }

    // A list that begins again says the same.
    let mut again = Builder::new();
    for page in &pages {
        list.read(&mut again, page);
    }
    list.forget(&mut again);
    let (empty, no_faults) = list.finish(again);
    assert_eq!((empty, no_faults), list.finish(Builder::new()));

    if understood {
        one_list(&list, &pages, &(inventory, faults));
    }
    for page in &pages {
        let mut builder = Builder::new();
        if let Err(error) = list.page(&mut builder, page) {
            shown.push_str(&error.to_string());
        }
    }
    hides(&shown, data, &pages);
}

/// Asserts that items say the same in one list as on pages.
fn one_list(list: &List, pages: &[&[u8]], said: &(Inventory, Option<Trouble>)) {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        items: Option<Vec<&'a RawValue>>,
    }
    let mut items = Vec::new();
    for page in pages {
        let page: Page<'_> = serde_json::from_slice(page).expect("it was read before");
        items.extend(page.items.into_iter().flatten().map(RawValue::get));
    }
    let text = format!("{{\"items\":[{}]}}", items.join(","));
    let mut whole = Builder::new();
    assert!(list.read(&mut whole, text.as_bytes()));
    // Without a page a resource was not counted at all.
    if !pages.is_empty() {
        assert_eq!(list.finish(whole), *said);
    }
}

/// Asserts that nothing is shown of environment variables and annotations.
fn hides(shown: &str, data: &[u8], pages: &[&[u8]]) {
    let documents = pages.iter();
    let documents: Vec<Value> = documents
        .filter_map(|page| serde_json::from_slice(page).ok())
        .collect();
    let (mut all, mut secrets) = (Vec::new(), Vec::new());
    for document in &documents {
        texts(document, &mut all);
        find(document, &mut secrets);
    }
    let text = String::from_utf8_lossy(data);
    for secret in secrets {
        let plain = |of: fn(&u8) -> bool| secret.as_bytes().iter().any(of);
        let could_be = secret.len() >= SHORTEST
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && plain(u8::is_ascii_digit)
            && plain(u8::is_ascii_alphabetic);
        // What stands elsewhere as well, such as a name, may be shown.
        let once = text.matches(secret).count() == 1
            && all.iter().filter(|one| one.contains(secret)).count() == 1;
        if could_be && once {
            assert!(!shown.contains(secret), "{secret:?} is kept: {shown}");
        }
    }
}

/// Finds every text of a document.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(entries) => entries.iter().for_each(|entry| texts(entry, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push(key);
                texts(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Finds the values of environment variables and of annotations.
fn find<'a>(value: &'a Value, secrets: &mut Vec<&'a str>) {
    match value {
        Value::Array(entries) => entries.iter().for_each(|entry| find(entry, secrets)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("annotations", Value::Object(marks)) => {
                        secrets.extend(marks.values().filter_map(Value::as_str));
                    }
                    ("env", Value::Array(variables)) => {
                        let values = variables.iter().filter_map(|one| one.get("value"));
                        secrets.extend(values.filter_map(Value::as_str));
                    }
                    _ => {}
                }
                find(value, secrets);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What pages are of.
enum List {
    Kind(Kind),
    Counted(String),
    InDefault(String),
}

impl List {
    fn named(name: &str) -> Self {
        let mut kinds = Kind::ALL.iter();
        match kinds.find(|kind| kind.as_str() == name && kind.listing().is_some()) {
            Some(kind) => Self::Kind(*kind),
            None if name.contains('.') => Self::Counted(name.to_owned()),
            None => Self::InDefault(name.to_owned()),
        }
    }

    fn page(
        &self,
        builder: &mut Builder,
        text: &[u8],
    ) -> Result<kubeassay_core::facts::objects::Page, kubeassay_core::facts::objects::DecodeError>
    {
        match self {
            Self::Kind(kind) => builder.page(*kind, text),
            Self::Counted(resource) => builder.counted(resource, text),
            Self::InDefault(kind) => builder.default_page(kind, text),
        }
    }

    /// Reads a page, and returns whether it is one.
    fn read(&self, builder: &mut Builder, text: &[u8]) -> bool {
        let page = self.page(builder, text);
        if let Ok(page) = &page {
            assert!(page.faults <= page.items);
            assert!(page.next.as_ref().is_none_or(|next| !next.is_empty()));
        }
        page.is_ok()
    }

    fn forget(&self, builder: &mut Builder) {
        match self {
            Self::Kind(kind) => builder.forget(*kind),
            Self::Counted(resource) => builder.forget_counted(resource),
            Self::InDefault(kind) => builder.forget_default(kind),
        }
    }

    /// Returns what was read, of a list that is said to be whole, and its faults.
    fn finish(&self, mut builder: Builder) -> (Inventory, Option<Trouble>) {
        let kind = match self {
            Self::Kind(kind) => *kind,
            _ => Kind::InDefault,
        };
        builder.listed(kind, Ok(()));
        let faults = builder.faults(kind);
        (builder.finish(), faults)
    }
}
