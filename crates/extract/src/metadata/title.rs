//! The title: what the page itself is called, without the name of the site.

mod part;

use super::hint::Hints;
use super::json_ld::Facts;
use super::meta_name::Field;
use super::site::Site;
use super::squeeze::{folded, squeeze, without_tags};
use super::survey::{Property, Survey, Zone, unescaped};
use crate::document::NodeId;
use crate::name::Tag;

/// Headings besides `<h1>` that are compared.
const MAX_HEADINGS: usize = 32;

/// An element with more nodes than this is called a title but holds more than one.
const MAX_NODES: u32 = 40;

/// Longest heading that can be a title, in bytes.
const MAX_TITLE_BYTES: usize = 600;

/// A title with its source, and the heading that says it.
#[derive(Debug, Default)]
pub(super) struct Title {
    pub(super) text: String,
    pub(super) source: &'static str,
    pub(super) heading: Option<NodeId>,
}

/// What the head of the page calls it.
struct Claim {
    /// Without the name of the site.
    bare: String,
    folded: String,
    /// The same with the name of the site.
    whole: String,
    source: &'static str,
}

pub(super) fn choose(survey: &Survey<'_, '_>, facts: &Facts, site: &Site) -> Title {
    let claims = claims(survey, facts, site);
    if let Some(title) = heading(survey, &claims, site) {
        return title;
    }
    let best = claims.into_iter().find(|claim| !claim.bare.is_empty());
    best.map_or_else(Title::default, |claim| Title {
        text: claim.bare,
        source: claim.source,
        heading: None,
    })
}

fn claims(survey: &Survey<'_, '_>, facts: &Facts, site: &Site) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut add = |text: &str, source: &'static str| {
        let whole = squeeze(&without_tags(text));
        if whole.is_empty() || is_placeholder(&whole) {
            return;
        }
        let bare = part::without_site(&whole, site).to_owned();
        let claim = Claim { folded: folded(&bare), whole: folded(&whole), bare, source };
        // The same said twice is compared once.
        if !claims.iter().any(|other| other.whole == claim.whole) {
            claims.push(claim);
        }
    };
    for said in survey.about(Field::Title) {
        add(&unescaped(said.raw), said.name);
    }
    add(&facts.headline, "json-ld");
    if let Some(id) = survey.title {
        add(&survey.document.text_content(id), "title");
    }
    add(&facts.name, "json-ld");
    claims
}

/// The heading that most likely is the title.
fn heading(survey: &Survey<'_, '_>, claims: &[Claim], site: &Site) -> Option<Title> {
    let document = survey.document;
    let mut best: Option<(i32, Title)> = None;
    let ones = survey.headings.iter().filter(|spot| document.tag(spot.id) == Tag::H1).count();
    let mut others = 0;
    for (place, spot) in survey.headings.iter().enumerate() {
        let tag = document.tag(spot.id);
        if tag != Tag::H1 {
            others += 1;
            let wide = document.node(spot.id).end - spot.id > MAX_NODES;
            if others > MAX_HEADINGS || wide {
                continue;
            }
        }
        let text = squeeze(&survey.text(spot.id));
        if text.is_empty() || text.len() > MAX_TITLE_BYTES || is_placeholder(&text) {
            continue;
        }
        let folded = folded(&text);
        if folded.is_empty() {
            continue;
        }
        let agreement = claims.iter().map(|claim| agreement(&folded, claim)).max().unwrap_or(0);
        let mut score = agreement;
        score += match tag {
            Tag::H1 => 40,
            Tag::H2 | Tag::H3 => 0,
            _ => -10,
        };
        if spot.property == Property::Headline {
            score += 30;
        }
        if spot.hints.has(Hints::TITLE) {
            score += 8;
        }
        if spot.zone != Zone::Content {
            score -= 40;
        }
        if site.is(&text) || spot.hints.has(Hints::BRAND) {
            score -= 60;
        }
        if survey.article.or(survey.main).is_some_and(|id| document.subtree(id).contains(&spot.id))
        {
            score += 10;
        }
        score -= place as i32;
        // A heading that nothing agrees with is the title only if it is the one of its kind.
        let enough = if tag == Tag::H1 { if ones == 1 { 30 } else { 40 } } else { 75 };
        if score >= enough && best.as_ref().is_none_or(|(other, _)| score > *other) {
            let source = match tag {
                Tag::H1 => "h1",
                Tag::H2 => "h2",
                Tag::H3 => "h3",
                _ => "headline",
            };
            let text = if agreement < 100 { part::without_site(&text, site) } else { &text };
            let text = part::without_kicker(text, claims.iter().map(|claim| claim.bare.as_str()))
                .unwrap_or(text)
                .trim_end_matches(['¶', '#', ' '])
                .to_owned();
            best = Some((score, Title { text, source, heading: Some(spot.id) }));
        }
    }
    best.map(|(_, title)| title)
}

/// How far a heading and a claim say the same, 0 to 100.
fn agreement(heading: &str, claim: &Claim) -> i32 {
    if heading == claim.folded || heading == claim.whole {
        return 100;
    }
    let words: Vec<&str> = heading.split(' ').collect();
    let others: Vec<&str> = claim.folded.split(' ').collect();
    let common = words.iter().filter(|word| others.contains(word)).count();
    let union = words.len() + others.len() - common.min(others.len());
    (common * 80 / union.max(1)) as i32
}

/// Texts that stand where a title should and are none.
fn is_placeholder(text: &str) -> bool {
    const NONE: [&str; 16] = [
        "untitled",
        "untitled document",
        "no title",
        "title",
        "home",
        "homepage",
        "index",
        "document",
        "null",
        "undefined",
        "page not found",
        "default",
        "startseite",
        "menu",
        "search",
        "new page",
    ];
    let folded = folded(text);
    folded.is_empty() || NONE.contains(&folded.as_str())
}
