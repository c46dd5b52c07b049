//! A page taken apart: front matter, sections, fenced blocks, each with its place in the text.
//!
//! Nothing is judged here beyond what makes it a page at all; [`front_matter`](super::front_matter) and
//! [`lint`](super::lint) say whether it is a good one.

use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{
    BrokenLink, CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
};

use super::diagnostic::{Code, Diagnostic};

/// The largest page that is read, in bytes.
pub const MAX_PAGE: usize = 1024 * 1024;

/// The text of one page and where its parts lie in it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// As the caller named it.
    pub(crate) file: String,
    /// The whole text.
    pub(crate) text: Arc<str>,
    /// The YAML between the two lines `---`.
    pub(crate) front: Range<usize>,
    /// The sections in the order of the page.
    pub(crate) sections: Vec<Section>,
}

/// One section: what follows a heading of the first or second level.
#[derive(Debug)]
pub(crate) struct Section {
    /// The heading's text.
    pub(crate) name: String,
    /// The heading.
    pub(crate) heading: Range<usize>,
    /// The Markdown below it.
    pub(crate) body: Range<usize>,
    /// Fenced blocks in it.
    pub(crate) blocks: Vec<Block>,
    /// Its first paragraphs and fenced blocks before anything else, as plain text; blocks are indented.
    pub(crate) summary: Vec<String>,
    /// Addresses that it links to, `<…>` and bare ones included.
    pub(crate) links: Vec<(String, Range<usize>)>,
    /// Links `[text][name]` whose definition is missing.
    pub(crate) broken: Vec<Range<usize>>,
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands after the opening fence.
    pub(crate) info: String,
    /// The block with its fences.
    pub(crate) span: Range<usize>,
    /// The text in it.
    pub(crate) text: String,
    /// Where that text starts in the page, if it lies there in one piece.
    pub(crate) start: Option<usize>,
    /// The paragraph before it.
    pub(crate) about: String,
}

impl Page {
    /// Takes a page apart.
    pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let fault = |code, text: &str, at: Range<usize>, message: String| {
            Box::new(Diagnostic::new(code, file, text, at, message))
        };
        if bytes.len() > MAX_PAGE {
            let message = format!(
                "the page has {} bytes; {MAX_PAGE} are read at most",
                bytes.len()
            );
            return Err(fault(Code::TooLarge, "", 0..0, message));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid =
                String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            let message = format!("byte {} of the page is not UTF-8", error.valid_up_to());
            fault(Code::NotUtf8, &valid, valid.len()..valid.len(), message)
        })?;
        let Some((front, body)) = split(text) else {
            let message =
                "a rule's page starts with front matter between two lines `---`".to_owned();
            return Err(fault(
                Code::NoFrontMatter,
                text,
                0..first_line(text),
                message,
            ));
        };
        Ok(Self {
            file: file.to_owned(),
            text: Arc::from(text),
            front,
            sections: sections(text, body),
        })
    }

    /// Returns the section of that name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Returns a diagnostic about a part of this page.
    pub(crate) fn diagnostic(
        &self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(code, &self.file, &self.text, span, message)
    }

    /// Returns a part of the text.
    pub(crate) fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Returns the file's name without folder and extension.
    pub(crate) fn stem(&self) -> &str {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".md").unwrap_or(name)
    }
}

fn first_line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// Returns where the front matter and the Markdown lie.
fn split(text: &str) -> Option<(Range<usize>, Range<usize>)> {
    let mut at = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let mut front = None;
    for line in text.get(at..)?.split_inclusive('\n') {
        let next = at + line.len();
        match front {
            None if line.trim_end() == "---" => front = Some(next),
            None => return None,
            Some(start) if line.trim_end() == "---" => return Some((start..at, next..text.len())),
            Some(_) => {}
        }
        at = next;
    }
    None
}

/// Returns the sections of the Markdown in `body`.
fn sections(text: &str, body: Range<usize>) -> Vec<Section> {
    let base = body.start;
    let mut reader = Reader::default();
    let mut broken = Vec::new();
    let mut missing = |link: BrokenLink<'_>| {
        if matches!(link.link_type, LinkType::Reference | LinkType::Collapsed) {
            broken.push(link.span.start + base..link.span.end + base);
        }
        None
    };
    let markdown = text.get(body.clone()).unwrap_or_default();
    let parser =
        Parser::new_with_broken_link_callback(markdown, Options::empty(), Some(&mut missing));
    for (event, span) in parser.into_offset_iter() {
        reader.take(event, span.start + base..span.end + base, text);
    }
    let mut sections = reader.sections;
    let starts: Vec<usize> = sections
        .iter()
        .skip(1)
        .map(|section| section.heading.start)
        .collect();
    for (section, end) in sections
        .iter_mut()
        .zip(starts.into_iter().chain([body.end]))
    {
        section.body = section.heading.end..end;
        section.broken = broken
            .iter()
            .filter(|at| section.body.contains(&at.start))
            .cloned()
            .collect();
    }
    sections
}

/// Collects sections from the events of the Markdown parser.
#[derive(Default)]
struct Reader {
    sections: Vec<Section>,
    /// How many blocks (lists, quotes …) are open.
    depth: usize,
    /// The text of the heading or paragraph that is open.
    open: Option<String>,
    /// The heading that is open is a section's.
    heading: bool,
    /// Nothing but paragraphs and blocks has been seen in this section.
    leading: bool,
    /// The last paragraph.
    about: String,
    block: Option<Block>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: Range<usize>, text: &str) {
        match event {
            Event::Start(tag) => self.start(&tag, span),
            Event::End(tag) => self.end(tag),
            Event::Text(words) => self.words(&words, &span, text),
            Event::Code(words) => {
                if let Some(open) = &mut self.open {
                    open.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(open) = &mut self.open {
                    open.push(' ');
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, span: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.open = Some(String::new());
                self.heading = self.depth == 0 && *level <= HeadingLevel::H2;
                self.leading &= self.heading;
                if self.heading {
                    self.sections.push(Section {
                        name: String::new(),
                        heading: span,
                        body: 0..0,
                        blocks: Vec::new(),
                        summary: Vec::new(),
                        links: Vec::new(),
                        broken: Vec::new(),
                    });
                }
            }
            Tag::Paragraph => self.open = Some(String::new()),
            Tag::CodeBlock(kind) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let about = std::mem::take(&mut self.about);
                self.block = Some(Block {
                    info,
                    span,
                    text: String::new(),
                    start: None,
                    about,
                });
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                if let Some(section) = self.sections.last_mut() {
                    section.links.push((dest_url.to_string(), span));
                }
            }
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {}
            _ => {
                self.leading = false;
                self.depth += 1;
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let name = self.open.take().unwrap_or_default();
                if self.heading
                    && let Some(section) = self.sections.last_mut()
                {
                    name.trim().clone_into(&mut section.name);
                    self.leading = true;
                }
                self.heading = false;
                self.about.clear();
            }
            TagEnd::Paragraph => {
                let paragraph = self.open.take().unwrap_or_default();
                if self.leading
                    && let Some(section) = self.sections.last_mut()
                {
                    section.summary.push(paragraph.clone());
                }
                self.about = paragraph;
            }
            TagEnd::CodeBlock => {
                let (Some(block), Some(section)) = (self.block.take(), self.sections.last_mut())
                else {
                    return;
                };
                if self.leading {
                    let lines: Vec<String> = block
                        .text
                        .trim_end()
                        .lines()
                        .map(|line| format!("    {line}"))
                        .collect();
                    section.summary.push(lines.join("\n"));
                }
                section.blocks.push(block);
            }
            TagEnd::Link
            | TagEnd::Image
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough => {}
            _ => self.depth = self.depth.saturating_sub(1),
        }
    }

    fn words(&mut self, words: &str, span: &Range<usize>, text: &str) {
        if let Some(block) = &mut self.block {
            let whole = text.get(span.clone()) == Some(words);
            let follows = block
                .start
                .is_some_and(|start| start + block.text.len() == span.start);
            match (whole, block.text.is_empty()) {
                (true, true) => block.start = Some(span.start),
                (true, false) if follows => {}
                _ => block.start = None,
            }
            block.text.push_str(words);
            return;
        }
        if let Some(section) = self.sections.last_mut() {
            for (at, _) in words.match_indices("http") {
                let rest = words.get(at..).unwrap_or_default();
                let address = rest.split(char::is_whitespace).next().unwrap_or_default();
                let address = address.trim_end_matches(['.', ',', ')', ';']);
                if address.starts_with("http://") || address.starts_with("https://") {
                    section.links.push((address.to_owned(), span.clone()));
                }
            }
        }
        if let Some(open) = &mut self.open {
            open.push_str(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PAGE, Page};
    use crate::rule::diagnostic::Code;

    const PAGE: &str = "\u{feff}---\r\nid: a\n---  \n\nText.\n\n## One *two* `three`\n\nFirst\nline with [a link](https://a.example/x).\n\nSecond.\n\n- item\n\nThird.\n\n```yaml pass\na: é\n\nb: 1\n```\n\n### Below\n\n## Two\n\n1. https://b.example/y.\n";

    #[test]
    fn a_page_falls_into_its_parts() {
        let page = Page::parse("rules/kubelet/a.md", PAGE.as_bytes()).unwrap();
        assert_eq!(page.stem(), "a");
        assert_eq!(page.slice(&page.front), "id: a\n");
        let names: Vec<&str> = page
            .sections
            .iter()
            .map(|section| section.name.as_str())
            .collect();
        assert_eq!(names, ["One two three", "Two"]);
        let one = &page.sections[0];
        assert_eq!(one.summary, ["First line with a link.", "Second."]);
        assert_eq!(one.links[0].0, "https://a.example/x");
        assert!(page.slice(&one.body).contains("### Below"));
        assert!(!page.slice(&one.body).contains("## Two"));
        let block = &one.blocks[0];
        assert_eq!(
            (block.info.as_str(), block.about.as_str()),
            ("yaml pass", "Third.")
        );
        let start = block.start.unwrap();
        assert_eq!(
            page.slice(&(start..start + block.text.len())),
            "a: é\n\nb: 1\n"
        );
        assert_eq!(
            page.section("Two").unwrap().links[0].0,
            "https://b.example/y"
        );
    }

    #[test]
    fn what_is_no_page_is_said_with_its_place() {
        let too_large = vec![b'a'; MAX_PAGE + 1];
        for (bytes, code, line) in [
            (&b""[..], Code::NoFrontMatter, 1),
            (b"# Title\n", Code::NoFrontMatter, 1),
            (b"---\nid: a\n", Code::NoFrontMatter, 1),
            (b"---\nid: \xff\n---\n", Code::NotUtf8, 2),
            (too_large.as_slice(), Code::TooLarge, 1),
        ] {
            let fault = Page::parse("a.md", bytes).unwrap_err();
            assert_eq!((fault.code, fault.line), (code, line));
        }
    }
}
