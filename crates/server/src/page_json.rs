//! A page as members of a JSON object: the same in an event and from `pagewire get --json`.

use std::borrow::BorrowMut;

use scrape::{Link, Page};

use crate::object::{Object, json_bytes, quoted_bytes};

/// What a link has besides its strings: names, its place, its region.
const LINK_FRAME_BYTES: usize = 80;

/// Writes what was made of a page, and nothing that was not asked for.
pub(crate) fn write<B: BorrowMut<Vec<u8>>>(object: &mut Object<B>, page: &Page) {
    object.optional("media", page.media.as_ref());
    object.optional("media_source", page.media_source.as_ref());
    object.optional("unreadable", page.unreadable.as_ref());
    object.field("charset", &page.charset);
    object.optional("charset_source", page.charset_source.as_ref());
    object.field("title", &page.title);
    object.optional("refresh", page.meta_refresh.as_ref());
    object.optional("markdown", page.markdown.as_ref());
    object.optional("text", page.text.as_ref());
    object.optional("html", page.html.as_ref());
    object.optional("links", page.links.as_ref());
    object.optional("page", page.metadata.as_ref());
    object.optional("fields", page.fields.as_ref());
    object.optional("json_ld", page.json_ld.as_ref());
    object.field("truncated", &page.truncated);
}

/// How long that is, or a little less than this, so that a buffer does not grow with it.
pub(crate) fn size_of(page: &Page) -> usize {
    let texts = [&page.title, &page.markdown, &page.text, &page.html];
    let texts: usize = texts.into_iter().flatten().map(|text| quoted_bytes(text)).sum();
    let links: usize = page.links.iter().flatten().map(size_of_link).sum();
    let metadata = page.metadata.as_ref().map_or(0, json_bytes);
    let fields = page.fields.as_ref().map_or(0, json_bytes);
    let json_ld = page.json_ld.as_ref().map_or(0, json_bytes);
    let refresh = page.meta_refresh.as_ref().map_or(0, json_bytes);
    texts + refresh + links + metadata + fields + json_ld
}

fn size_of_link(link: &Link) -> usize {
    let rel = link.rel.as_deref().map_or(0, quoted_bytes);
    LINK_FRAME_BYTES + quoted_bytes(&link.url) + quoted_bytes(&link.text) + rel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_reported_where_there_is_one() {
        let written = |page: &Page| {
            let mut out = Vec::new();
            let mut object = Object::open(&mut out);
            write(&mut object, page);
            object.close();
            serde_json::from_slice::<serde_json::Value>(&out).expect("JSON")
        };
        let refresh = scrape::Refresh { url: "https://a.example/b".into(), seconds: 3 };
        let page = Page { meta_refresh: Some(refresh), ..Page::default() };
        let expected = serde_json::json!({"url": "https://a.example/b", "seconds": 3});
        assert_eq!(written(&page)["refresh"], expected);
        assert_eq!(written(&Page::default()).get("refresh"), None);
    }

    #[test]
    fn a_link_takes_no_more_than_was_reckoned() {
        let everything: String = ('\0'..='\u{7ff}').collect();
        let link = Link {
            url: everything.clone(),
            text: "a".into(),
            rel: Some(everything),
            position: u32::MAX,
            region: scrape::Region::Header,
        };
        assert!(size_of_link(&link) > json_bytes(&link));
    }
}
