//! What a start tag does.

use super::attributes::Attr;
use super::inline::Look;
use super::stack::{Open, Role};
use super::table::Table;
use super::tag::Tag;
use super::walker::{Pre, Walker};

/// Longest name of a code block's language.
const MAX_LANGUAGE_BYTES: usize = 32;

/// CommonMark allows ordinals of up to nine digits.
const MAX_ORDINAL: u32 = 999_999_999;

impl Walker {
    pub(super) fn start(&mut self, tag: Tag) {
        match tag {
            Tag::P => self.start_block(tag),
            _ if tag.is_plain_block() => self.start_block(tag),
            _ if tag.heading().is_some() => self.start_heading(tag),
            Tag::Li => self.start_item(),
            Tag::Dt | Tag::Dd => self.start_definition(tag),
            Tag::Ul | Tag::Ol => self.start_list(tag),
            Tag::Blockquote => self.start_quote(),
            Tag::Pre => self.start_pre(),
            Tag::Table => self.start_table(),
            Tag::Rows | Tag::Caption => self.start_table_part(tag),
            Tag::Tr => self.start_row(),
            Tag::Td | Tag::Th => self.start_cell(tag),
            Tag::Hr => self.rule(),
            Tag::Br => self.line_break(),
            Tag::A => self.start_link(),
            Tag::Img => self.image(),
            Tag::Strong | Tag::Em | Tag::Del | Tag::Code => self.start_format(tag),
            _ => self.start_of_head(tag),
        }
    }

    /// Elements that are not shown themselves.
    fn start_of_head(&mut self, tag: Tag) {
        match tag {
            Tag::Html => {
                if let Some(language) = self.attributes.get(Attr::Lang) {
                    self.head.language(language);
                }
            }
            Tag::Title if !std::mem::replace(&mut self.has_title, true) => self.capture(tag),
            Tag::Title => self.skip(tag),
            Tag::Script if self.is_json_ld() => self.capture(tag),
            Tag::Script => self.skip(tag),
            Tag::Base => {
                if let Some(href) = self.attributes.get(Attr::Href) {
                    self.resolver.set_base(href);
                }
            }
            Tag::Meta => self.head.meta(&self.attributes),
            Tag::Link => self.head.link(&self.attributes),
            Tag::Time => self.head.time(&self.attributes),
            _ => {}
        }
    }

    fn is_json_ld(&self) -> bool {
        let is = |kind: &str| kind.trim().eq_ignore_ascii_case("application/ld+json");
        self.attributes.get(Attr::Type).is_some_and(is)
    }

    pub(super) fn push(&mut self, tag: Tag, role: Role) -> bool {
        self.stack.push(Open { tag, role, formats: self.open_formats })
    }

    fn start_block(&mut self, tag: Tag) {
        self.close_paragraph();
        self.flush();
        self.push(tag, Role::None);
    }

    fn start_heading(&mut self, tag: Tag) {
        self.close_paragraph();
        if self.stack.top().is_some_and(|top| top.heading().is_some()) {
            self.pop();
        }
        self.leave_data_table();
        self.flush();
        if self.push(tag, Role::None) {
            self.heading = tag.heading();
        }
    }

    fn start_list(&mut self, tag: Tag) {
        self.close_paragraph();
        self.flush();
        let (depth, written) = (self.blocks.depth(), self.blocks.written());
        let ordered = tag == Tag::Ol;
        let alternate = self.last_list.take().is_some_and(|last| {
            (last.depth, last.ordered, last.written) == (depth, ordered, written) && !last.alternate
        });
        let start = self.attributes.get(Attr::Start).and_then(|start| start.trim().parse().ok());
        let next = ordered.then(|| start.unwrap_or(1).min(MAX_ORDINAL));
        self.push(tag, Role::List { next, alternate, items: 0 });
    }

    fn start_item(&mut self) {
        self.close_within(Tag::Li, |tag| {
            matches!(tag, Tag::Ul | Tag::Ol | Tag::Blockquote) || tag.is_scope()
        });
        self.close_paragraph();
        self.flush();
        if !self.stack.has_room() {
            return;
        }
        let (mut marker, mut first, mut interrupts) = ("- ".to_owned(), false, true);
        if let Some(Role::List { next, alternate, items }) = self.stack.list() {
            first = *items == 0;
            *items += 1;
            if let Some(number) = next {
                interrupts = *number == 1;
                marker = format!("{number}{} ", if *alternate { ')' } else { '.' });
                *number = (*number + 1).min(MAX_ORDINAL);
            } else if *alternate {
                marker = "* ".to_owned();
            }
        }
        self.blocks.open_item(marker, first, interrupts);
        self.push(Tag::Li, Role::Container);
    }

    fn start_definition(&mut self, tag: Tag) {
        let barrier = |tag: Tag| tag == Tag::Dl || tag.is_scope();
        self.close_within(Tag::Dt, barrier);
        self.close_within(Tag::Dd, barrier);
        self.start_block(tag);
    }

    fn start_quote(&mut self) {
        self.close_paragraph();
        self.leave_data_table();
        self.flush();
        if self.stack.has_room() {
            self.blocks.open_quote();
            self.push(Tag::Blockquote, Role::Container);
        }
    }

    fn start_pre(&mut self) {
        self.close_paragraph();
        self.leave_data_table();
        self.flush();
        let language = self.language();
        if self.push(Tag::Pre, Role::None) && self.pre.is_none() {
            self.pre = Some(Pre { language });
        }
    }

    /// The language that a class like `language-rust` names; empty for none.
    fn language(&self) -> String {
        let classes = self.attributes.get(Attr::Class).unwrap_or("").split_ascii_whitespace();
        let names = classes.take(64).filter_map(|class| {
            ["language-", "lang-", "highlight-source-", "sourceCode-"]
                .iter()
                .find_map(|prefix| class.strip_prefix(prefix))
        });
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '#' | '.' | '_');
        let fits = |name: &&str| name.len() <= MAX_LANGUAGE_BYTES && name.chars().all(plain);
        names.filter(|name| !name.is_empty()).find(fits).unwrap_or("").to_owned()
    }

    fn start_table(&mut self) {
        self.close_paragraph();
        self.leave_data_table();
        self.flush();
        if self.push(Tag::Table, Role::None) && self.pre.is_none() {
            self.table = Some(Table::default());
        }
    }

    fn start_table_part(&mut self, tag: Tag) {
        self.close_up_to(|tag| tag == Tag::Table);
        self.flush();
        if self.stack.count(Tag::Table) > 0 {
            self.push(tag, Role::None);
        }
    }

    fn start_row(&mut self) {
        self.close_up_to(|tag| matches!(tag, Tag::Table | Tag::Rows));
        self.flush();
        if self.stack.count(Tag::Table) > 0
            && self.push(Tag::Tr, Role::None)
            && let Some(table) = &mut self.table
        {
            table.row();
        }
    }

    fn start_cell(&mut self, tag: Tag) {
        self.close_up_to(|tag| matches!(tag, Tag::Table | Tag::Rows | Tag::Tr));
        self.flush();
        if self.stack.count(Tag::Table) == 0 || !self.stack.has_room() {
            return;
        }
        let colspan = self.attributes.get(Attr::Colspan).and_then(|n| n.trim().parse().ok());
        let role = match &mut self.table {
            Some(table) => {
                table.open_cell(colspan.unwrap_or(1));
                Role::Cell
            }
            None => Role::None,
        };
        self.push(tag, role);
        self.open_formats = [0; 4];
        self.restyle();
    }

    /// A table with blocks in a cell is for layout: its cells so far become blocks of their own.
    pub(super) fn leave_data_table(&mut self) {
        if let Some(table) = self.table.take() {
            self.write_cells(&table);
        }
    }

    pub(super) fn write_cells(&mut self, table: &Table) {
        for cell in table.cells() {
            self.blocks.cell(&cell.markdown, &cell.text);
        }
    }

    fn rule(&mut self) {
        self.close_paragraph();
        if self.table.as_ref().is_some_and(Table::in_cell) || self.pre.is_some() {
            return;
        }
        self.flush();
        self.blocks.rule();
    }

    fn line_break(&mut self) {
        if self.pre.is_some() {
            self.inline.push_preformatted("\n");
            return;
        }
        self.links.text(" ");
        // Two on end are meant as a new paragraph.
        if self.inline.line_break() && self.heading.is_none() {
            self.flush();
        }
    }

    fn start_link(&mut self) {
        self.end_link();
        let Some(href) = self.attributes.get(Attr::Href).map(str::to_owned) else {
            return;
        };
        let Some(target) = self.target(&href) else {
            return;
        };
        if self.formats.links && target.starts_with("http") {
            self.links.open(&target, self.attributes.get(Attr::Rel));
            let label = self.attributes.first_of(&[Attr::AriaLabel, Attr::Title]);
            self.link_label = label.map(str::to_owned);
        }
        self.look.link = Some(target);
    }

    pub(super) fn end_link(&mut self) {
        self.look.link = None;
        self.links.close(self.link_label.take().as_deref());
    }

    fn image(&mut self) {
        let alt = self.attributes.first_of(&[Attr::Alt]).unwrap_or("").to_owned();
        if self.link_label.is_none() && !alt.is_empty() {
            self.link_label = Some(alt.clone());
        }
        if self.pre.is_some() || !self.formats.markdown {
            return;
        }
        // Pages that load images late keep a blank one in `src`.
        let is_late = |source: &&str| !source.is_empty() && !source.starts_with("data:");
        let source =
            [Attr::Src, Attr::DataSrc].iter().filter_map(|&name| self.attributes.get(name));
        let Some(source) = source.map(str::trim).find(is_late).map(str::to_owned) else {
            return;
        };
        if let Some(image) = self.resolver.resolve(&source, &["http", "https"]) {
            let look = Look { image: Some(image), ..self.look.clone() };
            self.inline.push_image(&alt, &look);
        }
    }

    fn start_format(&mut self, tag: Tag) {
        if let Some(pre) = &self.pre {
            if pre.language.is_empty() {
                let language = self.language();
                self.pre = Some(Pre { language });
            }
            return;
        }
        let open = &mut self.open_formats[format_index(tag)];
        *open = open.saturating_add(1);
        self.restyle();
    }
}

/// Where an element is counted among the formatting ones.
pub(super) fn format_index(tag: Tag) -> usize {
    match tag {
        Tag::Strong => 0,
        Tag::Em => 1,
        Tag::Del => 2,
        _ => 3,
    }
}
