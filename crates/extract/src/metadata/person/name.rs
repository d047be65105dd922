//! What is a name and what is not.

/// Longest name, in characters.
const MAX_CHARS: usize = 60;

/// Most words of a name; offices and groups have many.
const MAX_WORDS: usize = 8;

/// Most words of a name that follows another one behind a comma.
const MAX_WORDS_OF_SECOND: usize = 4;

/// Most words of a name that nothing but its look makes one.
const MAX_LIKELY_WORDS: usize = 6;

/// Names of accounts and roles that say nothing, compared without case.
#[rustfmt::skip]
const NOBODY: &[&str] = &[
    "admin", "administrator", "anonymous", "author", "autor", "by", "byline", "company",
    "contributor", "contributors", "correspondent", "default", "editor", "editors",
    "editor in chief", "false", "guest", "guest author", "guest contributor", "guest post",
    "guest writer", "moderator", "n/a", "name", "none", "null", "read more", "root", "site admin",
    "staff", "staff reporter", "staff writer", "staff writers", "staff report", "subscribe",
    "super user", "superuser", "sysadmin", "team", "test", "the author", "true", "undefined",
    "unknown", "unknown author", "user", "web admin", "web desk", "webmaster", "website",
    "wordpress", "wpadmin", "wp admin", "writer", "you", "share", "facebook", "twitter",
    "instagram", "linkedin", "email", "comment", "comments", "login", "log in", "sign in",
    "sign up", "register", "home", "menu", "search", "follow", "name *", "your name",
    "wordpressadmin", "redakteur", "details", "disqus", "text", "und", "and", "presse", "cookies",
    "innen", "zur", "aktuell", "weiterlesen", "mehr", "lesen", "kontakt", "newsletter", "shop all",
    "learn more", "no author", "cortesía", "about", "view profile", "view all posts",
    "see all posts", "more", "next", "previous", "published", "updated", "posted", "date",
    "category", "categories", "tags", "dr", "prof", "mr", "mrs",
];

/// Degrees and roles behind a comma.
#[rustfmt::skip]
const ROLES: &[&str] = &[
    "analyst", "architect", "associate", "author", "autor", "b.a", "ba", "bc", "blogger", "board",
    "bs", "bsc", "business", "ceo", "certified", "cfa", "cfo", "cfp", "chair", "chairman", "chef",
    "chefredakteur", "chief", "cio", "cissp", "coach", "college", "columnist", "company",
    "consultant", "content", "contributing", "contributor", "coo", "copywriter", "corporation",
    "correspondent", "cpa", "cto", "dc", "dds", "department", "dietitian", "digital", "director",
    "dmd", "dnp", "do", "dphil", "dr", "dvm", "ea", "edd", "editor", "editorial", "engineer",
    "esq", "executive", "expert", "facs", "featured", "for", "former", "founder", "freelance",
    "gastautor", "geschäftsführer", "guest", "head", "health", "host", "inc", "institute", "jd",
    "journalist", "jr", "lawyer", "lcsw", "lead", "lecturer", "leiter", "llc", "llm", "lmft",
    "ltd", "m.a", "m.d", "ma", "manager", "managing", "marketing", "mba", "md", "media", "medical",
    "member", "mph", "ms", "msc", "msn", "msw", "national", "news", "newsroom", "np", "of",
    "officer", "partner", "pe", "ph", "ph.d", "pharmd", "phd", "photographer", "physician",
    "politics", "president", "principal", "producer", "product", "professor", "psyd", "publisher",
    "rd", "rdn", "redakteur", "redakteurin", "redaktion", "reporter", "researcher", "rn", "school",
    "science", "scientist", "senior", "software", "special", "specialist", "sports", "staff",
    "strategist", "student", "team", "technical", "technology", "the", "trainer", "university",
    "vice", "vp", "writer", "writing", "your",
];

/// The name in `part`, or nothing where there is none.
pub(super) fn clean(part: &str) -> Option<String> {
    let part = super::lead::strip(part.trim());
    let words: Vec<&str> = part
        .split_whitespace()
        .filter(|word| !is_address(word))
        .skip_while(|word| matches!(*word, "-" | "–" | "&"))
        .take(MAX_WORDS + 1)
        .collect();
    let joined = words.join(" ");
    let name = joined.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ':'
                    | ';'
                    | '-'
                    | '–'
                    | '—'
                    | '|'
                    | '/'
                    | '*'
                    | '"'
                    | '“'
                    | '”'
                    | '~'
                    | '«'
                    | '»'
                    | '<'
                    | '>'
                    | '\\'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '@'
                    | '&'
                    | '='
                    | '•'
            )
    });
    let name = name.strip_suffix('.').filter(|cut| !abbreviated(cut)).unwrap_or(name);
    let name = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(name);
    is_name(name, words.len()).then(|| cased(name))
}

/// Ends with an initial or a short title, whose full stop belongs to the name.
fn abbreviated(name: &str) -> bool {
    let last = name.rsplit([' ', '.']).next().unwrap_or("");
    last.chars().count() == 1
        || matches!(
            last,
            "Jr" | "Sr" | "jr" | "sr" | "JR" | "SR" | "Ph" | "St" | "Inc" | "Co" | "Dr"
        )
}

/// Whether the part behind a comma can be another name: several words, none of them a role.
pub(super) fn is_second(part: &str) -> bool {
    let part = super::lead::strip(part.trim());
    let words: Vec<&str> = part.split_whitespace().collect();
    let person = |word: &&str| {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        ROLES.binary_search(&plain.as_str()).is_err()
    };
    let capitalised = |word: &&str| !word.starts_with(|c: char| c.is_lowercase());
    let wide = part.chars().any(|c| u32::from(c) > 0x2e80);
    let count = words.len();
    (wide || (2..=MAX_WORDS_OF_SECOND).contains(&count))
        && words.iter().all(person)
        && words.first().is_some_and(capitalised)
        && words.last().is_some_and(capitalised)
        && !part.contains(|c: char| c.is_ascii_digit())
}

/// Mail addresses, web addresses and handles.
fn is_address(word: &str) -> bool {
    word.starts_with('@')
        || word.contains("://")
        || word.starts_with("www.")
        || word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

fn is_name(name: &str, words: usize) -> bool {
    let chars = name.chars().count();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let wide = name.chars().any(|c| u32::from(c) > 0x2e80);
    let least = if wide { 1 } else { 2 };
    (least..=MAX_CHARS).contains(&chars)
        && words <= MAX_WORDS
        && letters >= least
        && digits * 2 <= chars
        && !name.contains(['{', '}', '<', '>', '=', '#', '%', '$', '?', '!', '\\', '_'])
            | (words == 1 && !name.contains(['{', '}', '<', '>', '=', '%', '$', '\\']))
        && (words > 1 || !super::super::date::is_calendar(name))
        && !NOBODY.contains(&name.to_lowercase().as_str())
}

/// Words in the middle of names that have no capital.
#[rustfmt::skip]
const PARTICLES: &[&str] = &[
    "a", "al", "ap", "auf", "aus", "bin", "da", "das", "de", "del", "della", "den", "der", "di",
    "do", "dos", "du", "e", "el", "het", "ibn", "la", "le", "les", "los", "of", "op", "san", "te",
    "ten", "ter", "the", "tot", "und", "van", "vom", "von", "y", "zu", "zum", "zur",
];

/// Whether a text that is not marked as a name looks like one: few words, with capitals but for
/// particles, no day or month among them, and a single word without digits.
pub(super) fn is_likely(name: &str) -> bool {
    let words: Vec<&str> = name.split(' ').collect();
    let wide = name.chars().any(|c| u32::from(c) > 0x2e80);
    if wide {
        return name.chars().count() <= 20;
    }
    let dated = words.iter().any(|word| super::super::date::is_calendar(word));
    let capitals = words.iter().all(|word| {
        !word.starts_with(|c: char| c.is_lowercase())
            || PARTICLES.contains(word)
            || words.len() == 1
    });
    words.len() <= MAX_LIKELY_WORDS
        && capitals
        && (!dated
            || words.len() > 1
                && !name.contains(|c: char| c.is_ascii_digit())
                && !super::super::date::is_calendar(words[0]))
        && !words[0].starts_with(|c: char| c.is_ascii_digit())
        && !name.contains([':', '…', '+'])
}

/// Whether a name has a given name and a family name: two words or more with capitals.
pub(super) fn is_full(name: &str) -> bool {
    let capitals = name
        .split(' ')
        .filter(|word| word.starts_with(|c: char| c.is_uppercase() || u32::from(c) > 0x250))
        .count();
    is_likely(name) && capitals >= 2 || name.chars().any(|c| u32::from(c) > 0x2e80)
}

/// Whether a name is that of an account: one word with a mark or a digit, or without any capital.
pub(super) fn is_account(name: &str) -> bool {
    !name.contains(' ')
        && name.is_ascii()
        && (name.contains(['.', '_'])
            || name.bytes().any(|b| b.is_ascii_digit())
            || !name.bytes().any(|b| b.is_ascii_uppercase()))
}

/// Names in capitals alone get them at the beginning of words only.
fn cased(name: &str) -> String {
    let capitals = name.contains(' ')
        && name.chars().filter(|c| c.is_alphabetic()).count() > 5
        && !name.chars().any(char::is_lowercase)
        && name.chars().any(char::is_uppercase);
    if !capitals {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len());
    let mut start = true;
    for c in name.chars() {
        if start {
            out.push(c);
        } else {
            out.extend(c.to_lowercase());
        }
        start = !c.is_alphanumeric();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_sorted() {
        assert!(ROLES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
