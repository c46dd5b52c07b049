//! A page of text for a person: wrapped to the width, coloured, and safe.
//!
//! All text for people goes through [`Page`], which escapes and clips it before it wraps and colours it:
//! no caller can let a terminal escape of a tenant through by forgetting to.

use kubeassay_core::text;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::UnicodeWidthStr as _;

use crate::Style;
use crate::ink::Ink;

/// Narrower than this nothing is readable; the terminal may wrap it itself.
const NARROWEST: usize = 24;

/// A value or reason longer than this is cut: a tenant can write megabytes. JSON has it whole.
const LONGEST: usize = 800;

/// Text with its colour.
pub(crate) type Span<'a> = (Ink, &'a str);

/// A page that grows line by line.
pub(crate) struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    /// Returns an empty page.
    pub(crate) fn new(style: Style) -> Self {
        Self {
            text: String::new(),
            width: style.width.max(NARROWEST),
            colour: style.colour,
        }
    }

    /// Returns how many columns there are.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Returns what was written.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Writes an empty line, unless the page begins with it or there is one already.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Writes a paragraph whose later lines begin two columns in.
    pub(crate) fn line(&mut self, ink: Ink, text: &str) {
        self.hang(&[], (ink, text), 2);
    }

    /// Writes parts with ` · ` between them; a line ends between two parts where that is possible.
    pub(crate) fn parts(&mut self, ink: Ink, parts: &[String]) {
        let mut margin = 0;
        let mut line = String::new();
        for part in parts {
            if line.is_empty() {
                line.clone_from(part);
                continue;
            }
            let longer = format!("{line} · {part}");
            if margin + width(&longer) <= self.width {
                line = longer;
            } else {
                self.item(margin, "", 0, (ink, &line));
                margin = 2;
                line.clone_from(part);
            }
        }
        self.item(margin, "", 0, (ink, &line));
    }

    /// Writes a paragraph that begins `indent` columns in, after a label padded to `label_width`.
    pub(crate) fn item(
        &mut self,
        indent: usize,
        label: &str,
        label_width: usize,
        (ink, text): Span<'_>,
    ) {
        let margin = " ".repeat(indent);
        let label = format!("{label:label_width$}");
        self.hang(
            &[(Ink::Plain, &margin), (Ink::Dim, &label)],
            (ink, text),
            indent + label_width,
        );
    }

    /// Writes a line of a file or of a text to paste, `indent` columns in: it is never broken and keeps its blanks, so
    /// that it can be copied.
    pub(crate) fn code(&mut self, indent: usize, ink: Ink, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&" ".repeat(indent));
        }
        self.text.push_str(&ink.paint(&clip(text), self.colour));
        self.text.push('\n');
    }

    /// Writes `prefix` and a paragraph after it, whose later lines begin `hanging` columns in.
    ///
    /// Where the prefix leaves less than a third of the line, the paragraph begins on the next.
    pub(crate) fn hang(&mut self, prefix: &[Span<'_>], (ink, body): Span<'_>, hanging: usize) {
        let body = clip(body.trim());
        let mut hanging = hanging.min(self.width * 2 / 3);
        let (mut first, mut taken) = self.prefix(prefix, body.is_empty());
        if taken * 3 > self.width * 2 && !body.is_empty() {
            let (alone, _) = self.prefix(prefix, true);
            self.push_line(&alone);
            first = " ".repeat(hanging);
            taken = hanging;
        }
        // The wrapper cuts a long word to the room that later lines have: the first has no more.
        let word = body.split(' ').next().unwrap_or_default();
        if taken + word.width() > self.width {
            hanging = hanging.max(taken);
        }
        let (lead, follow) = (" ".repeat(taken), " ".repeat(hanging));
        let options = Options::new(self.width)
            .initial_indent(&lead)
            .subsequent_indent(&follow)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        for (index, line) in textwrap::wrap(&body, options).iter().enumerate() {
            let (start, margin) = if index == 0 {
                (first.as_str(), lead.as_str())
            } else {
                (follow.as_str(), follow.as_str())
            };
            let words = line.strip_prefix(margin).unwrap_or(line).trim_end();
            let painted = ink.paint(words, self.colour);
            self.push_line(&format!("{start}{painted}"));
        }
    }

    /// Returns the spans side by side and how many columns they take; blanks at the end are dropped
    /// where nothing follows.
    fn prefix(&self, spans: &[Span<'_>], alone: bool) -> (String, usize) {
        let mut spans: Vec<_> = spans.iter().map(|(ink, text)| (ink, clip(text))).collect();
        while alone
            && spans
                .last()
                .is_some_and(|(_, text)| text.ends_with(' ') || text.is_empty())
        {
            let last = spans.pop();
            let kept = last.map(|(ink, text)| (ink, text.trim_end_matches(' ').to_owned()));
            spans.extend(kept.filter(|(_, text)| !text.is_empty()));
        }
        let taken = spans.iter().map(|(_, text)| text.width()).sum();
        let painted = spans.iter().map(|(ink, text)| ink.paint(text, self.colour));
        (painted.collect(), taken)
    }

    fn push_line(&mut self, line: &str) {
        self.text.push_str(line.trim_end_matches(' '));
        self.text.push('\n');
    }
}

/// Returns how many columns `text` takes once it is on the page.
pub(crate) fn width(text: &str) -> usize {
    clip(text).width()
}

/// Returns `text` escaped, and cut where it is too long for a person.
fn clip(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else {
        return text::escape(text);
    };
    let (kept, rest) = text.split_at(end);
    let kept = text::escape(kept);
    format!("{kept}… ({} more characters)", rest.chars().count())
}
