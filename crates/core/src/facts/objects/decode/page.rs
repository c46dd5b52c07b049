//! A page of a list as the API answers it, its items one at a time.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use super::wire::ListMeta;
use super::{DecodeError, faults};

/// How long what the next page is asked with may be. API servers write some hundred bytes.
const MAX_CONTINUE: usize = 16 * 1024;

/// What a page says beside its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many items it had, those that could not be understood among them.
    pub items: usize,
    /// `metadata.continue`: what to ask the next page with; none on the last.
    pub next: Option<String>,
    /// `metadata.remainingItemCount`: how many items follow; not every API server says it.
    pub remaining: Option<u64>,
    /// How many of the items could not be understood.
    pub faults: usize,
}

/// A page whose text is JSON all through; its items are not looked at yet.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    metadata: Option<ListMeta>,
    // An API server writes it even where there are none.
    #[serde(borrow, deserialize_with = "given")]
    items: &'a RawValue,
}

/// Reads a value as it stands, `null` too.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<&'de RawValue, D::Error> {
    <&RawValue>::deserialize(deserializer)
}

impl<'a> Envelope<'a> {
    /// Reads what is around the items of a page. `is_list` says whether a kind is that of the list.
    pub(super) fn read(
        text: &'a [u8],
        is_list: impl FnOnce(&str) -> bool,
    ) -> Result<Self, DecodeError> {
        // serde would take the entries of a JSON list for fields.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(DecodeError::parse("it is no JSON object".to_owned()));
        }
        let page: Self = serde_json::from_slice(text)
            .map_err(|error| DecodeError::parse(faults::said(&error)))?;
        if let Some(kind) = page.kind.as_deref().filter(|kind| !is_list(kind)) {
            let kind = faults::shown(kind);
            return Err(DecodeError::parse(format!(
                "it is another list or none: kind {kind}"
            )));
        }
        if !matches!(page.items.get().as_bytes().first(), Some(b'[' | b'n')) {
            return Err(DecodeError::parse("its `items` are no list".to_owned()));
        }
        let next = page.metadata.as_ref().and_then(|meta| meta.next.as_ref());
        if next.is_some_and(|next| next.len() > MAX_CONTINUE) {
            let reason = format!("its `continue` is longer than {MAX_CONTINUE} bytes");
            return Err(DecodeError::parse(reason));
        }
        Ok(page)
    }

    /// Returns what the page says of the list.
    pub(super) fn page(&self) -> Page {
        let meta = self.metadata.as_ref();
        let next = meta.and_then(|meta| meta.next.clone());
        let remaining = meta.and_then(|meta| meta.remaining);
        Page {
            next: next.filter(|next| !next.is_empty()),
            remaining: remaining.and_then(|count| u64::try_from(count).ok()),
            ..Page::default()
        }
    }

    /// Hands on the items, one by one, until one of them is refused.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(&'a str) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut refused = None;
        let items = Items {
            take: &mut |item| {
                take(item).map_err(|error| {
                    refused = Some(error);
                })
            },
        };
        let mut text = serde_json::Deserializer::from_str(self.items.get());
        let read = text.deserialize_option(items);
        match (refused, read) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(DecodeError::parse(faults::said(&error))),
            (None, Ok(())) => Ok(()),
        }
    }
}

/// Reads items without keeping them.
struct Items<'f, 'de> {
    take: &'f mut dyn FnMut(&'de str) -> Result<(), ()>,
}

impl<'de> Visitor<'de> for Items<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            (self.take)(item.get()).map_err(|()| A::Error::custom("refused"))?;
        }
        Ok(())
    }
}
