//! What stands before a name.

/// Words before a name. Compared without case.
#[rustfmt::skip]
const LEADS: &[&str] = &[
    "about the author", "über den autor", "view all posts by", "view all articles by",
    "see all posts by", "all posts by", "posts by", "more articles by", "more posts by",
    "more from", "more by", "articles by", "zeige alle beiträge von", "alle beiträge von",
    "alles von", "voir tous les articles de", "ver todas las entradas de",
    "this post was written by", "this article was written by", "article written by", "written by",
    "article by", "story by", "story and photos by", "words by", "text by", "review by",
    "reviewed by", "report by", "reported by", "reporting by", "photo by", "photos by",
    "photography by", "post by", "posted by", "published by", "submitted by", "created by",
    "contributed by", "compiled by", "added by", "uploaded by", "recipe by", "blog by",
    "analysis by", "opinion by", "presented by", "prepared by", "started by", "thread starter",
    "original poster", "by", "geschrieben von", "verfasst von", "veröffentlicht von",
    "veröffentlicht durch", "eingestellt von", "erstellt von", "gepostet von", "ein beitrag von",
    "beitrag von", "ein artikel von", "artikel von", "ein gastbeitrag von", "gastbeitrag von",
    "ein kommentar von", "kommentar von", "eine analyse von", "interview von", "text und fotos",
    "text & foto", "text und bild", "autor*in", "autor", "von", "publié par", "posté par",
    "écrit par", "rédigé par", "proposé par", "article de", "propos recueillis par", "auteur",
    "autrice", "par", "publicado por", "escrito por", "redactado por", "postado por",
    "enviado por", "por", "pubblicato da", "scritto da", "postato da", "articolo di", "a cura di",
    "di", "geplaatst door", "geschreven door", "gepubliceerd door", "door", "skrevet af",
    "skrevet av", "skriven av", "publicerad av", "publisert av", "af", "av", "kirjoittanut",
    "kirjoittaja", "napisane przez", "opublikowane przez", "autor tekstu", "przez", "napsal",
    "scris de", "publicat de", "yazan", "yazar", "írta", "szerző", "автор статьи", "автор",
    "автори", "авторы", "опубликовал", "опубліковано", "συντάκτης", "του", "της", "oleh",
    "ditulis oleh", "penulis", "tác giả", "责任编辑", "責任編輯", "編輯", "作者", "记者", "記者", "文／", "文/",
    "글쓴이", "기자", "بقلم", "كتب", "الكاتب", "author(s)", "authors", "author",
];

/// Words before a name that are words of other kinds as well: a colon or the like must follow.
#[rustfmt::skip]
const LABELS: &[&str] = &[
    "text", "tekst", "name", "editor", "writer", "writers", "interview", "redaktion", "autora",
    "autore", "from", "theo", "contributor", "byline", "текст", "autorin", "autoren", "verfasser",
    "编辑", "来源",
];

/// Words that lead to a name in the middle of a line, each with its blanks.
#[rustfmt::skip]
const WITHIN: &[&str] = &[
    " by ", " von ", " par ", " por ", " door ", " przez ", " av ", " af ", " oleh ", " di ", " by: ", " von: ",
];

/// Leading words are looked for so many times: "Author: Posted by: By Jane".
const MAX_ROUNDS: usize = 4;

/// `written` without the words and marks before the name.
pub(super) fn strip(written: &str) -> &str {
    let mut rest = written.trim_start_matches(is_mark);
    for _ in 0..MAX_ROUNDS {
        let Some(behind) = behind(rest) else { break };
        rest = behind.trim_start_matches(is_mark);
    }
    rest
}

/// What follows a leading word at the beginning of a line, or in the middle of one with a date.
pub(super) fn behind_any(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(is_mark);
    if behind(line).is_some() {
        return Some(strip(line));
    }
    let dated = line.len() <= MAX_SHORT_BYTES && line.bytes().any(|b| b.is_ascii_digit());
    WITHIN.iter().filter(|_| dated).find_map(|word| {
        let at = super::find_ignoring_case(line, word)?;
        Some(strip(&line[at + word.len()..]))
    })
}

/// Whether a line begins with words for the author of a text, not of a picture or a translation.
pub(super) fn is_byline(line: &str) -> bool {
    let line = line.trim_start_matches(is_mark);
    let credit = CREDITS.iter().any(|lead| after(line, lead).is_some());
    !credit && behind_any(line).is_some()
}

/// Leads to people who did not write the text, or not alone.
#[rustfmt::skip]
const CREDITS: &[&str] = &[
    "photo by", "photos by", "photography by", "reviewed by", "presented by", "from", "more from", "more by", "added by",
    "uploaded by", "created by", "recipe by", "interview", "theo", "name", "posts by", "all posts by", "view all posts by",
    "kommentar von", "started by",
];

/// A line with a leading word in the middle is not longer than this.
const MAX_SHORT_BYTES: usize = 80;

/// What follows the longest leading word that `written` begins with.
fn behind(written: &str) -> Option<&str> {
    let first = written.chars().next()?.to_lowercase().next()?;
    let likely = |lead: &&&str| lead.starts_with(first);
    let leads = LEADS.iter().filter(likely).filter_map(|lead| after(written, lead));
    let labels = LABELS.iter().filter(likely).filter_map(|label| {
        after(written, label)
            .filter(|rest| rest.trim_start().starts_with([':', '：', '|', '/', '-', '–']))
    });
    leads.chain(labels).min_by_key(|rest| rest.len())
}

/// What follows `word` at the beginning, if a whole word is meant: a blank, a mark or the end comes
/// behind it, or a capital where an element's edge was ("ByJane Doe").
fn after<'a>(written: &'a str, word: &str) -> Option<&'a str> {
    let mut rest = written.chars();
    for expected in word.chars() {
        let own = rest.next()?;
        if own != expected && own.to_lowercase().next() != Some(expected) {
            return None;
        }
    }
    let rest = rest.as_str();
    let wide = word.chars().all(|c| u32::from(c) > 0x2e80 || c == '/');
    let glued = rest.starts_with(char::is_uppercase)
        && (word.ends_with("by") || word.ends_with("von"))
        && written.starts_with(char::is_uppercase)
        && written.chars().nth(1).is_some_and(char::is_lowercase);
    let whole = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || is_mark(c));
    // "Di Maio" and "Von Trier" are names, "von Jana Beispiel" is not: two words must follow a
    // capital.
    let particle = matches!(word, "di" | "von" | "av" | "af" | "par" | "por" | "door")
        && written.starts_with(char::is_uppercase)
        && rest.split_whitespace().count() == 1
        && !rest.trim_start().starts_with(':');
    (wide || (whole || glued) && !particle).then_some(rest)
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
