//! What is wrong with a page, said as a compiler would: where, what, and how to mend it.
//!
//! All of them are collected; none of them stops at the first. The codes are stable words that a
//! document explains and a test keeps unique.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::text;

/// The longest line that is shown whole in an excerpt, in bytes.
const LINE: usize = 400;

/// Declares the codes with their names and what they mean, in one place.
macro_rules! codes {
    ($($variant:ident = $word:literal $severity:ident $description:literal),+ $(,)?) => {
        /// What kind of mistake it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $(#[doc = $description] #[serde(rename = $word)] $variant),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns what it means, in one sentence.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description),+ }
            }

            /// Returns whether it makes the page unusable.
            pub const fn severity(self) -> DiagnosticSeverity {
                match self { $(Self::$variant => DiagnosticSeverity::$severity),+ }
            }
        }
    };
}

codes! {
    NotUtf8 = "not-utf8" Error "The page is not UTF-8 text.",
    TooLarge = "too-large" Error "The page is larger than a page may be.",
    NoFrontMatter = "no-front-matter" Error "The page does not start with front matter between two lines `---`.",
    YamlSyntax = "yaml-syntax" Error "The front matter or an example is not YAML.",
    YamlTag = "yaml-tag" Error "A value starts with `!`, which YAML takes for a tag.",
    UnknownKey = "unknown-key" Error "A bundled page has a key that means nothing.",
    MissingKey = "missing-key" Error "A key is missing that the page needs.",
    WrongType = "wrong-type" Error "A value has another type than its key wants.",
    BadValue = "bad-value" Error "A value is none of those that its key allows.",
    BadId = "bad-id" Error "An id or an alias is not in kebab-case.",
    IdNotStem = "id-not-stem" Error "A bundled page's file is not named after its id.",
    MissingSection = "missing-section" Error "A bundled page lacks a section.",
    UnknownSection = "unknown-section" Error "A bundled page has a section that no other page has.",
    SectionOrder = "section-order" Error "A bundled page's sections are not in the order of the others.",
    DuplicateSection = "duplicate-section" Error "A section stands twice.",
    BadReference = "bad-reference" Error "A reference is not a web address.",
    BadCisControl = "bad-cis-control" Error "A line of the section CIS Controls cannot be read.",
    MissingExample = "missing-example" Error "A bundled page lacks an example that passes or one that fails.",
    BadExample = "bad-example" Error "An example cannot be read.",
    CheckSyntax = "check-syntax" Error "An expression is not CEL.",
    CheckTooCostly = "check-too-costly" Error "An expression is too long, too deep or loops too much.",
    UnknownSetting = "unknown-setting" Error "An expression or a fix names a setting that does not exist.",
    UnknownVariable = "unknown-variable" Error "An expression names something that is neither a component nor a choice.",
    UnknownSubject = "unknown-subject" Error "The subject is no component.",
    UnknownFunction = "unknown-function" Error "An expression calls a function that does not exist.",
    UnknownChoice = "unknown-choice" Error "An expression names a choice that the page does not declare.",
    TypeMismatch = "type-mismatch" Error "An expression or a fix puts together types that never fit.",
    BadLiteral = "bad-literal" Error "A regular expression, duration or quantity cannot be read.",
    PresenceTest = "presence-test" Error "An expression asks whether a setting is there; an effective setting always is.",
    UnguardedEntry = "unguarded-entry" Warning "An expression reads an entry of a map without asking whether it is there.",
    UnusedChoice = "unused-choice" Warning "A declared choice is not read by the page's expressions.",
    DuplicateId = "duplicate-id" Error "Two pages have the same id or alias.",
    ReplacesBundled = "replaces-bundled" Error "A page from outside has the id of a bundled rule.",
    WaiverExpired = "waiver-expired" Error "A waiver's last day is over.",
    WaiverChanged = "waiver-changed" Error "A value is no longer the one that a waiver accepts.",
    WaiverUnused = "waiver-unused" Error "A waiver accepts what does not occur.",
    WaiverTooBroad = "waiver-too-broad" Error "A waiver covers more than anybody can have looked at, or holds for too long.",
    WaiverContradicting = "waiver-contradicting" Error "Two waivers cover the same finding and say different things of it.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiagnosticSeverity {
    /// The page cannot be used.
    Error,
    /// The page can be used; somebody should look at it.
    Warning,
}

/// How a diagnostic is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderStyle {
    /// Text alone.
    Plain,
    /// With terminal colours.
    Colour,
}

/// One mistake in one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub code: Code,
    /// How bad it is.
    pub severity: DiagnosticSeverity,
    /// The page, as its caller named it.
    pub file: String,
    /// The line it starts at, from 1.
    pub line: usize,
    /// The column it starts at, from 1, in code points.
    pub column: usize,
    /// The bytes of the page it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    #[serde(skip)]
    excerpt: Excerpt,
}

/// The lines that a diagnostic shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    span: Range<usize>,
}

impl Diagnostic {
    /// Returns a diagnostic about `span` of `page`, clamped to what is there.
    pub fn new(
        code: Code,
        file: &str,
        page: &str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let start = floor(page, span.start);
        let end = floor(page, span.end.max(start));
        let before = page.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            code,
            severity: code.severity(),
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: page
                .get(line_start..start)
                .unwrap_or_default()
                .chars()
                .count()
                + 1,
            span: start..end,
            message: message.into(),
            help: None,
            excerpt: Excerpt::of(page, line_start, start..end),
        }
    }

    /// Returns the diagnostic with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// Returns whether the page cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == DiagnosticSeverity::Error
    }

    /// Renders it with an excerpt of the page, several lines long, without a line break at the end.
    pub fn render(&self, style: RenderStyle) -> String {
        let level = match self.severity {
            DiagnosticSeverity::Error => Level::ERROR,
            DiagnosticSeverity::Warning => Level::WARNING,
        };
        let message = text::escape(&self.message);
        let file = text::escape(&self.file);
        let snippet = Snippet::source(self.excerpt.text.as_str())
            .line_start(self.line)
            .path(file.as_str())
            .annotation(AnnotationKind::Primary.span(self.excerpt.span.clone()));
        let mut group =
            Group::with_title(level.primary_title(message.as_str()).id(self.code.as_str()))
                .element(snippet);
        let help = self.help.as_deref().map(text::escape);
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = match style {
            RenderStyle::Plain => Renderer::plain(),
            RenderStyle::Colour => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    /// Writes it on one line: `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = text::escape(&self.file);
        write!(
            f,
            "{file}:{}:{}: {}",
            self.line,
            self.column,
            text::escape(&self.message)
        )
    }
}

impl Excerpt {
    /// Returns the line that starts at `line_start` with the part of `span` on it.
    ///
    /// Only the first line is shown: the mistakes of a page are on one line or begin on it.
    fn of(page: &str, line_start: usize, span: Range<usize>) -> Self {
        let rest = page.get(line_start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (start, end) = (span.start - line_start, span.end - line_start);
        let shown = line
            .get(..floor(line, LINE.max(start.saturating_add(80))))
            .unwrap_or_default();
        // Of a very long line only the surroundings are shown; its column still counts from the line's start.
        let cut = if start > LINE {
            floor(shown, start - 80)
        } else {
            0
        };
        let text: String = shown
            .get(cut..)
            .unwrap_or_default()
            .chars()
            .map(|character| {
                if is_shown(character) {
                    character
                } else {
                    '\u{fffd}'
                }
            })
            .collect();
        let clamp = |at: usize| {
            let before = shown
                .get(cut..floor(shown, at.max(cut)))
                .unwrap_or_default();
            before
                .chars()
                .map(|c| if is_shown(c) { c.len_utf8() } else { 3 })
                .sum::<usize>()
        };
        let (start, end) = (clamp(start), clamp(end.min(shown.len())));
        Self {
            text,
            span: start..end.max(start),
        }
    }
}

/// Returns whether a character can go to a terminal as it is.
fn is_shown(character: char) -> bool {
    let mut buffer = [0; 4];
    character == '\t' || text::escape(character.encode_utf8(&mut buffer)).starts_with(character)
}

/// Returns the last character boundary of `text` at or before `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Code, Diagnostic, RenderStyle};

    #[test]
    fn codes_are_unique_words_and_described() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        let descriptions: BTreeSet<&str> =
            Code::ALL.iter().map(|code| code.description()).collect();
        assert_eq!(descriptions.len(), Code::ALL.len());
        for code in Code::ALL {
            let word = code.as_str();
            assert!(
                word.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{word}"
            );
            assert!(code.description().ends_with('.'), "{word}");
        }
    }

    #[test]
    fn a_diagnostic_shows_the_line_and_the_mend() {
        let page = "---\nseverity: hihg\n---\n";
        let diagnostic = Diagnostic::new(
            Code::BadValue,
            "rules/a.md",
            page,
            14..18,
            "`hihg` is no severity",
        )
        .help("did you mean `high`?".to_owned());
        insta::assert_snapshot!(diagnostic.render(RenderStyle::Plain), @"
        error[bad-value]: `hihg` is no severity
         --> rules/a.md:2:11
          |
        2 | severity: hihg
          |           ^^^^
          |
          = help: did you mean `high`?
        ");
        assert_eq!(
            diagnostic.to_string(),
            "rules/a.md:2:11: `hihg` is no severity"
        );
        assert!(diagnostic.render(RenderStyle::Colour).contains("\u{1b}["));
    }

    #[test]
    fn what_a_page_holds_cannot_reach_the_terminal() {
        let page = "ü\u{1b}[31m\u{202e}x: y";
        let diagnostic = Diagnostic::new(
            Code::UnknownKey,
            "a\u{1b}.md",
            page,
            0..200,
            "no key `\u{1b}`",
        );
        let shown = diagnostic.render(RenderStyle::Plain);
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown}"
        );
        assert_eq!((diagnostic.line, diagnostic.column), (1, 1));
    }

    #[test]
    fn a_very_long_line_is_shown_in_part() {
        let page = format!("{}é!{}", "a".repeat(5_000), "b".repeat(5_000));
        let diagnostic = Diagnostic::new(Code::BadValue, "a.md", &page, 5_002..5_003, "no");
        assert_eq!(diagnostic.column, 5_002);
        assert!(diagnostic.render(RenderStyle::Plain).len() < 1_000);
    }
}
