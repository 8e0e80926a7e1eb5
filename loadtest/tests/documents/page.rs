//! One Markdown page, as far as its truth can be checked: links, headings, code spans and blocks.
//!
//! It knows how Markdown is written and how GitHub names headings, and nothing of what is true.

use std::collections::BTreeMap;

use pulldown_cmark::{BrokenLink, CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

/// A page that says this at its head is run from top to bottom.
pub(crate) const IS_RUN: &str = "<!-- every block of this page is run -->";

/// What a page says that can be checked; each thing with the line it stands on.
#[derive(Debug)]
pub(crate) struct Page {
    /// Where it is, from the repository's folder.
    pub(crate) path: String,
    /// Where its links lead.
    pub(crate) links: Vec<(usize, String)>,
    /// Links by a name that the page does not define.
    pub(crate) undefined: Vec<(usize, String)>,
    /// What its headings are called in an address.
    pub(crate) anchors: Vec<String>,
    /// Words set as code.
    pub(crate) spans: Vec<(usize, String)>,
    /// Fenced blocks, in order.
    pub(crate) blocks: Vec<Block>,
    /// Whether its blocks are run and their output compared.
    pub(crate) is_run: bool,
}

/// A block of code.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The line of its fence.
    pub(crate) line: usize,
    /// What the fence says it is.
    pub(crate) language: String,
    /// What stands in it.
    pub(crate) text: String,
    /// Whether it follows another block with nothing in between.
    pub(crate) follows: bool,
}

impl Page {
    /// Reads the page at `path`.
    pub(crate) fn read(path: &str, text: &str) -> Page {
        let line_of = |at: usize| text[..at].matches('\n').count() + 1;
        let mut undefined = Vec::new();
        let note = |broken: BrokenLink<'_>| {
            // `[x]` alone is more often a pair of brackets than a link.
            if broken.link_type != LinkType::Shortcut {
                undefined.push((line_of(broken.span.start), broken.reference.to_string()));
            }
            None
        };
        let mut reader = Reader {
            page: Page {
                path: path.to_owned(),
                links: Vec::new(),
                undefined: Vec::new(),
                anchors: Vec::new(),
                spans: Vec::new(),
                blocks: Vec::new(),
                is_run: text.contains(IS_RUN),
            },
            names: Names::default(),
            heading: None,
            in_block: false,
            just_ended: false,
        };
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let parser = Parser::new_with_broken_link_callback(text, options, Some(note));
        for (event, range) in parser.into_offset_iter() {
            reader.take(event, line_of(range.start));
        }
        reader.page.undefined = undefined;
        reader.page
    }

    /// The folder it stands in, from the repository's; nothing for the repository's own.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// A place in it, for people.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// A page that is being read, and where in it the reader is.
struct Reader {
    page: Page,
    names: Names,
    /// The heading so far, within one.
    heading: Option<String>,
    in_block: bool,
    /// A block has ended, and nothing has come since.
    just_ended: bool,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, line: usize) {
        let follows = std::mem::take(&mut self.just_ended);
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                self.page.links.push((line, dest_url.into_string()));
            }
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let heading = self.heading.take().unwrap_or_default();
                self.page.anchors.push(self.names.name(&heading));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                self.in_block = true;
                self.page.blocks.push(Block {
                    line,
                    language: match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    },
                    text: String::new(),
                    follows,
                });
            }
            Event::End(TagEnd::CodeBlock) => {
                self.in_block = false;
                self.just_ended = true;
            }
            Event::Code(code) => {
                self.heading_goes_on(&code);
                self.page.spans.push((line, code.into_string()));
            }
            Event::Text(words) if self.in_block => {
                let block = self.page.blocks.last_mut();
                block.expect("it is in one").text.push_str(&words);
            }
            Event::Text(words) => self.heading_goes_on(&words),
            Event::Html(html) | Event::InlineHtml(html) => self.page.anchors.extend(ids(&html)),
            _ => {}
        }
    }

    fn heading_goes_on(&mut self, words: &str) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(words);
        }
    }
}

/// What a piece of HTML can be linked to by.
fn ids(html: &str) -> impl Iterator<Item = String> {
    let pieces = html.split(" id=\"").skip(1);
    pieces.filter_map(|rest| rest.split_once('"').map(|(id, _)| id.to_owned()))
}

/// The names that GitHub gives to headings; a text that comes again gets a number.
#[derive(Debug, Default)]
struct Names {
    used: BTreeMap<String, u32>,
}

impl Names {
    fn name(&mut self, heading: &str) -> String {
        let slug = slug(heading);
        let used = self.used.entry(slug.clone()).or_default();
        let name = match *used {
            0 => slug,
            n => format!("{slug}-{n}"),
        };
        *used += 1;
        name
    }
}

/// Lower case, hyphens for spaces, and nothing but letters, digits, `-` and `_`.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().flat_map(char::to_lowercase);
    let kept = kept.filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

#[test]
fn headings_are_named_as_github_names_them() {
    let text = "# Where *it* runs\n## `app`: the seam\n## Where it runs\n## Does it matter?\n";
    let page = Page::read("x.md", text);
    let names = [
        "where-it-runs",
        "app-the-seam",
        "where-it-runs-1",
        "does-it-matter",
    ];
    assert_eq!(page.anchors, names);
}

#[test]
fn a_page_gives_its_blocks_with_their_lines_and_neighbours() {
    let text = "a `b c`\n\n```sh\nls\n```\n```text\nx\n```\n\nwords\n\n```json\n{}\n```\n";
    let page = Page::read("docs/x.md", text);
    assert_eq!(page.spans, [(1, "b c".to_owned())]);
    let blocks: Vec<_> = page
        .blocks
        .iter()
        .map(|block| (block.line, block.language.as_str(), block.follows))
        .collect();
    assert_eq!(
        blocks,
        [(3, "sh", false), (6, "text", true), (12, "json", false)]
    );
    assert_eq!(page.folder(), "docs");
}
