//! What stands before a name.

/// Words before a name, longest first where one begins like another. Compared without case.
const LEADS: &[&str] = &[
    "about the author",
    "über den autor",
    "view all posts by",
    "view all articles by",
    "see all posts by",
    "all posts by",
    "posts by",
    "more articles by",
    "more posts by",
    "more from",
    "more by",
    "articles by",
    "zeige alle beiträge von",
    "alle beiträge von",
    "alles von",
    "voir tous les articles de",
    "ver todas las entradas de",
    "this post was written by",
    "this article was written by",
    "article written by",
    "written by",
    "article by",
    "story by",
    "story and photos by",
    "words by",
    "text by",
    "review by",
    "reviewed by",
    "report by",
    "reported by",
    "reporting by",
    "photo by",
    "photos by",
    "photography by",
    "post by",
    "posted by",
    "published by",
    "submitted by",
    "created by",
    "contributed by",
    "compiled by",
    "added by",
    "uploaded by",
    "recipe by",
    "blog by",
    "analysis by",
    "opinion by",
    "presented by",
    "prepared by",
    "started by",
    "thread starter",
    "original poster",
    "from",
    "by",
    "geschrieben von",
    "verfasst von",
    "veröffentlicht von",
    "veröffentlicht durch",
    "eingestellt von",
    "erstellt von",
    "gepostet von",
    "ein beitrag von",
    "beitrag von",
    "ein artikel von",
    "artikel von",
    "ein gastbeitrag von",
    "gastbeitrag von",
    "ein kommentar von",
    "kommentar von",
    "eine analyse von",
    "interview von",
    "interview",
    "text und fotos",
    "text & foto",
    "text und bild",
    "text",
    "redaktion",
    "verfasser",
    "autoren",
    "autorin",
    "autor*in",
    "autor",
    "von",
    "publié par",
    "posté par",
    "écrit par",
    "rédigé par",
    "proposé par",
    "article de",
    "propos recueillis par",
    "auteur",
    "autrice",
    "par",
    "publicado por",
    "escrito por",
    "redactado por",
    "postado por",
    "enviado por",
    "autora",
    "por",
    "pubblicato da",
    "scritto da",
    "postato da",
    "articolo di",
    "a cura di",
    "autore",
    "di",
    "geplaatst door",
    "geschreven door",
    "gepubliceerd door",
    "door",
    "skrevet af",
    "skrevet av",
    "skriven av",
    "publicerad av",
    "publisert av",
    "tekst",
    "af",
    "av",
    "kirjoittanut",
    "kirjoittaja",
    "napisane przez",
    "opublikowane przez",
    "autor tekstu",
    "przez",
    "napsal",
    "scris de",
    "publicat de",
    "yazan",
    "yazar",
    "írta",
    "szerző",
    "автор статьи",
    "автор",
    "автори",
    "авторы",
    "текст",
    "опубликовал",
    "опубліковано",
    "συντάκτης",
    "του",
    "της",
    "oleh",
    "ditulis oleh",
    "penulis",
    "tác giả",
    "theo",
    "责任编辑",
    "責任編輯",
    "编辑",
    "編輯",
    "作者",
    "记者",
    "記者",
    "文／",
    "文/",
    "来源",
    "글쓴이",
    "기자",
    "بقلم",
    "كتب",
    "الكاتب",
    "author(s)",
    "authors",
    "author",
    "writer",
    "writers",
    "editor",
    "contributor",
    "byline",
    "name",
];

/// Leading words are looked for so many times: "Author: Posted by: By Jane".
const MAX_ROUNDS: usize = 4;

/// `written` without the words and marks before the name.
pub(super) fn strip(written: &str) -> &str {
    let mut rest = written.trim_start_matches(is_mark);
    for _ in 0..MAX_ROUNDS {
        let Some(behind) =
            LEADS.iter().filter_map(|lead| behind(rest, lead)).min_by_key(|s| s.len())
        else {
            break;
        };
        rest = behind.trim_start_matches(is_mark);
    }
    rest
}

/// What follows `lead`, which must be a whole word: a blank, a mark or the end comes after it.
fn behind<'a>(written: &'a str, lead: &str) -> Option<&'a str> {
    let mut rest = written.chars();
    for expected in lead.chars() {
        let own = rest.next()?;
        if own != expected && own.to_lowercase().next() != Some(expected) {
            return None;
        }
    }
    let rest = rest.as_str();
    let wide = lead.chars().all(|c| u32::from(c) > 0x2e80 || c == '/');
    // "ByJane Doe": the blank was lost with an element's edge.
    let glued = rest.starts_with(char::is_uppercase)
        && lead.len() <= 9
        && written.chars().next().is_some_and(char::is_uppercase)
        && written.chars().nth(1).is_some_and(char::is_lowercase)
        && (lead.ends_with("by") || lead.ends_with("von"));
    let whole = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || is_mark(c));
    // Words that are names as well need a mark: "Editor: X", but "Text Smith".
    let needs_mark = matches!(
        lead,
        "text"
            | "tekst"
            | "name"
            | "editor"
            | "writer"
            | "writers"
            | "interview"
            | "redaktion"
            | "author"
            | "authors"
            | "autor"
            | "autora"
            | "autore"
            | "auteur"
            | "from"
            | "theo"
            | "contributor"
            | "кarticles"
            | "byline"
            | "текст"
            | "автор"
            | "של"
    ) && !rest.trim_start().starts_with([':', '：', '|', '/', '-', '–'])
        && !matches!(lead, "author" | "autor" | "auteur" | "автор");
    (wide || (whole || glued) && !needs_mark).then_some(rest)
}

fn is_mark(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ':' | '：'
                | '-'
                | '–'
                | '—'
                | '|'
                | '/'
                | '~'
                | '•'
                | '·'
                | '*'
                | '.'
                | ','
                | '；'
                | '['
                | ']'
                | '('
                | '【'
                | '】'
                | '"'
                | '“'
                | '”'
                | '«'
                | '»'
                | '>'
                | '›'
                | '©'
        )
}
