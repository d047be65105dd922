//! Where on a page something stands.

use crate::Region;
use crate::document::{Document, NodeId};
use crate::keep::Keep;
use crate::name::Tag;

/// Where a link stands: in the main content if its text does, or else in its landmark. A link
/// without text, such as a picture, stands where its surroundings do.
pub(super) fn of(
    document: &Document<'_>,
    main: &Keep,
    id: NodeId,
    landmark: Option<Region>,
) -> Region {
    let has_text = document.descendants(id).any(|below| document.is_text(below));
    if main.any(document.subtree(id)) {
        return Region::Main;
    }
    if landmark.is_none() && !has_text && main.any(document.subtree(document.node(id).parent)) {
        return Region::Main;
    }
    landmark.unwrap_or_default()
}

/// The landmarks around the node that was entered last.
#[derive(Debug, Default)]
pub(super) struct Regions {
    open: Vec<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    end: NodeId,
    region: Option<Region>,
    /// In an element whose header and footer are its own, not the page's.
    is_section: bool,
}

impl Regions {
    /// Goes on to an element, in document order; tells the innermost landmark it is in.
    pub(super) fn enter(&mut self, document: &Document<'_>, id: NodeId) -> Option<Region> {
        while self.open.last().is_some_and(|open| open.end <= id) {
            self.open.pop();
        }
        let outer = self.open.last().copied();
        let is_section = outer.is_some_and(|open| open.is_section);
        let region = outer.and_then(|open| open.region);
        let own = landmark(document, id, is_section);
        let begins_section = matches!(
            document.tag(id),
            Tag::Article | Tag::Aside | Tag::Main | Tag::Nav | Tag::Section
        );
        if own.is_some() || (begins_section && !is_section) {
            self.open.push(Open {
                end: document.node(id).end,
                region: own.or(region),
                is_section: is_section || begins_section,
            });
        }
        own.or(region)
    }
}

/// The landmark that an element is (HTML Accessibility API Mappings, section 4.1), or says to be
/// by its role, class or id.
fn landmark(document: &Document<'_>, id: NodeId, is_section: bool) -> Option<Region> {
    let by_tag = match document.tag(id) {
        Tag::Nav => Some(Region::Nav),
        Tag::Aside => Some(Region::Aside),
        Tag::Header if !is_section => Some(Region::Header),
        Tag::Footer if !is_section => Some(Region::Footer),
        Tag::Div | Tag::Section | Tag::Ul | Tag::Ol | Tag::Menu | Tag::Dl => None,
        Tag::Table | Tag::Td | Tag::Form | Tag::P => None,
        _ => return None,
    };
    by_tag.or_else(|| {
        let mut named = None;
        for (name, value) in document.attributes(id) {
            if name.eq_ignore_ascii_case("role") {
                if let Some(region) = by_role(value) {
                    return Some(region);
                }
            } else if name.eq_ignore_ascii_case("class") || name.eq_ignore_ascii_case("id") {
                named = named.or_else(|| by_names(value));
            }
        }
        named
    })
}

fn by_role(role: &str) -> Option<Region> {
    match role.split_ascii_whitespace().next()? {
        role if role.eq_ignore_ascii_case("navigation") => Some(Region::Nav),
        role if role.eq_ignore_ascii_case("menubar") => Some(Region::Nav),
        role if role.eq_ignore_ascii_case("banner") => Some(Region::Header),
        role if role.eq_ignore_ascii_case("contentinfo") => Some(Region::Footer),
        role if role.eq_ignore_ascii_case("complementary") => Some(Region::Aside),
        _ => None,
    }
}

/// Names of one element that are looked at, and the length of one: there are no more that mean
/// something.
const MAX_NAMES: usize = 16;
const MAX_NAME_BYTES: usize = 64;

/// Words in classes and ids that say what an element is.
const NAV: [&str; 16] = [
    "breadcrumb",
    "breadcrumbs",
    "mainmenu",
    "mainnav",
    "megamenu",
    "menu",
    "menubar",
    "nav",
    "navbar",
    "navi",
    "navigation",
    "pager",
    "pagination",
    "subnav",
    "topmenu",
    "topnav",
];
const ASIDE: [&str; 10] = [
    "aside",
    "popular",
    "rail",
    "recommendations",
    "recommended",
    "related",
    "sidebar",
    "trending",
    "widget",
    "widgets",
];
const HEADER: [&str; 4] = ["header", "masthead", "siteheader", "topbar"];
const FOOTER: [&str; 4] = ["colophon", "footer", "sitefooter", "subfooter"];

/// Words that make a header or footer the page's own; without one it can be a card's.
const WHOLE: [&str; 10] =
    ["app", "bottom", "global", "layout", "main", "nav", "page", "site", "top", "wrapper"];

/// Words that tell of a side bar next to the element, or of none.
const BESIDE: [&str; 7] = ["content", "has", "layout", "main", "no", "with", "without"];

fn by_names(names: &str) -> Option<Region> {
    let names = names.split_ascii_whitespace().take(MAX_NAMES);
    names.filter(|name| name.len() <= MAX_NAME_BYTES).find_map(by_name)
}

fn by_name(name: &str) -> Option<Region> {
    let is_any = |list: &[&str]| {
        let mut words = name.split(['-', '_']);
        words.any(|word| list.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    let is_whole = || !name.contains(['-', '_']) || is_any(&WHOLE);
    if is_any(&NAV) {
        Some(Region::Nav)
    } else if is_any(&ASIDE) && !is_any(&BESIDE) {
        Some(Region::Aside)
    } else if is_any(&HEADER) && is_whole() {
        Some(Region::Header)
    } else if is_any(&FOOTER) && is_whole() {
        Some(Region::Footer)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::scan;

    /// Where the last link of a page stands; text with an "M" in it is the main content.
    fn region(html: &str) -> Region {
        let document = scan(html);
        let main = Keep::of(&document, |id| document.text(id).contains('M'));
        let (mut regions, mut last) = (Regions::default(), None);
        for id in (1..document.len()).filter(|&id| !document.is_text(id)) {
            let landmark = regions.enter(&document, id);
            if document.tag(id) == Tag::A {
                last = Some(of(&document, &main, id, landmark));
            }
        }
        last.expect("there is a link")
    }

    #[test]
    fn landmarks() {
        for (before, expected) in [
            ("", Region::Other),
            ("<nav><ul><li>", Region::Nav),
            ("<header>", Region::Header),
            ("<footer><p>", Region::Footer),
            ("<aside>", Region::Aside),
            ("<article><aside>", Region::Aside),
            ("<header><nav>", Region::Nav),
            ("<nav></nav><footer><div>", Region::Footer),
            ("<nav></nav><p>", Region::Other),
            ("<article><header>", Region::Other),
            ("<main><section><footer>", Region::Other),
            ("<aside><header>", Region::Aside),
            ("<main></main><footer>", Region::Footer),
            ("<div role=navigation>", Region::Nav),
            ("<div role=banner>", Region::Header),
            ("<div role=contentinfo>", Region::Footer),
            ("<section role=Complementary>", Region::Aside),
            ("<div role=presentation class=nav>", Region::Nav),
            ("<div class=nav role=banner>", Region::Header),
            ("<div id=footer>", Region::Footer),
            ("<div class='x site-header'>", Region::Header),
            ("<div class=card-header>", Region::Other),
            ("<div class=post_footer>", Region::Other),
            ("<div class=page_footer>", Region::Footer),
            ("<ul class=main-menu><li>", Region::Nav),
            ("<div class='Breadcrumbs'>", Region::Nav),
            ("<div class=sidebar-right>", Region::Aside),
            ("<div class=no-sidebar>", Region::Other),
            ("<div class=with-sidebar>", Region::Other),
            ("<table><td class=sidebar>", Region::Aside),
            ("<span class=nav>", Region::Other),
            ("<div class=naval>", Region::Other),
        ] {
            assert_eq!(region(&format!("{before}<a href=x>t</a>")), expected, "{before}");
        }
    }

    #[test]
    fn main_content() {
        for (html, expected) in [
            ("<p>M <a href=x>M</a>", Region::Main),
            ("<nav><a href=x>M</a>", Region::Main),
            ("<p>M <a href=x>t</a>", Region::Other),
            ("<p>M <a href=x><img></a>", Region::Main),
            ("<p>t <a href=x><img></a>", Region::Other),
            ("<nav>M <a href=x><img></a>", Region::Nav),
        ] {
            assert_eq!(region(html), expected, "{html}");
        }
    }
}
