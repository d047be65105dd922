//! The names of elements and attributes that extraction knows, as small numbers.

macro_rules! tags {
    ($($tag:ident $name:literal),+ $(,)?) => {
        /// An element's name. `Text` and `Root` stand for nodes that are no elements, `Other` for
        /// elements whose name is kept in the document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub(crate) enum Tag {
            /// The document itself, node 0.
            Root,
            /// A run of text.
            Text,
            /// An element without a number of its own.
            Other,
            $(
                #[doc = $name]
                $tag
            ),+
        }

        impl Tag {
            /// How many there are.
            pub(crate) const COUNT: usize = [$(Self::$tag),+].len() + 3;

            pub(crate) const ALL: [Self; Self::COUNT] =
                [Self::Root, Self::Text, Self::Other, $(Self::$tag),+];

            /// The name in lower case; empty for `Root`, `Text` and `Other`.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    Self::Root | Self::Text | Self::Other => "",
                    $(Self::$tag => $name),+
                }
            }
        }
    };
}

tags! {
    A "a", Abbr "abbr", Acronym "acronym", Address "address", AnnotationXml "annotation-xml",
    Applet "applet", Area "area", Article "article", Aside "aside", Audio "audio", B "b",
    Base "base", Basefont "basefont", Bdi "bdi", Bdo "bdo", Bgsound "bgsound", Big "big",
    Blockquote "blockquote", Body "body", Br "br", Button "button", Canvas "canvas",
    Caption "caption", Center "center", Cite "cite", Code "code", Col "col", Colgroup "colgroup",
    Data "data", Datalist "datalist", Dd "dd", Del "del", Desc "desc", Details "details", Dfn "dfn",
    Dialog "dialog", Dir "dir", Div "div", Dl "dl", Dt "dt", Em "em", Embed "embed",
    Fieldset "fieldset", Figcaption "figcaption", Figure "figure", Font "font", Footer "footer",
    Foreignobject "foreignobject", Form "form", Frame "frame", Frameset "frameset", H1 "h1",
    H2 "h2", H3 "h3", H4 "h4", H5 "h5", H6 "h6", Head "head", Header "header", Hgroup "hgroup",
    Hr "hr", Html "html", I "i", Iframe "iframe", Image "image", Img "img", Input "input",
    Ins "ins", Kbd "kbd", Keygen "keygen", Label "label", Legend "legend", Li "li", Link "link",
    Listing "listing", Main "main", Map "map", Mark "mark", Marquee "marquee", Math "math",
    Menu "menu", Meta "meta", Meter "meter", Mi "mi", Mn "mn", Mo "mo", Ms "ms", Mtext "mtext",
    Nav "nav", Nobr "nobr", Noembed "noembed", Noframes "noframes", Noscript "noscript",
    Object "object", Ol "ol", Optgroup "optgroup", Option "option", Output "output", P "p",
    Param "param", Path "path", Picture "picture", Plaintext "plaintext", Pre "pre",
    Progress "progress", Q "q", Rb "rb", Rp "rp", Rt "rt", Rtc "rtc", Ruby "ruby", S "s",
    Samp "samp", Script "script", Search "search", Section "section", Select "select", Slot "slot",
    Small "small", Source "source", Span "span", Strike "strike", Strong "strong", Style "style",
    Sub "sub", Summary "summary", Sup "sup", Svg "svg", Table "table", Tbody "tbody", Td "td",
    Template "template", Textarea "textarea", Tfoot "tfoot", Th "th", Thead "thead", Time "time",
    Title "title", Tr "tr", Track "track", Tt "tt", U "u", Ul "ul", Use "use", Var "var",
    Video "video", Wbr "wbr", Xmp "xmp",
}

impl Tag {
    /// The tag of a name in any case.
    pub(crate) fn of(name: &[u8]) -> Self {
        let mut at = hash(name);
        loop {
            let tag = TABLE[at % TABLE.len()];
            if tag == Self::Other || tag.name().as_bytes().eq_ignore_ascii_case(name) {
                return tag;
            }
            at += 1;
        }
    }

    /// Has no content and no end tag (HTML standard, "void elements", and the obsolete ones).
    pub(crate) const fn is_void(self) -> bool {
        matches!(
            self,
            Self::Area
                | Self::Base
                | Self::Basefont
                | Self::Bgsound
                | Self::Br
                | Self::Col
                | Self::Embed
                | Self::Frame
                | Self::Hr
                | Self::Img
                | Self::Input
                | Self::Keygen
                | Self::Link
                | Self::Meta
                | Self::Param
                | Self::Source
                | Self::Track
                | Self::Wbr
        )
    }

    pub(crate) const fn is_heading(self) -> bool {
        matches!(self, Self::H1 | Self::H2 | Self::H3 | Self::H4 | Self::H5 | Self::H6)
    }

    /// The level of a heading, 1 to 6.
    pub(crate) fn heading(self) -> Option<u8> {
        match self {
            Self::H1 => Some(1),
            Self::H2 => Some(2),
            Self::H3 => Some(3),
            Self::H4 => Some(4),
            Self::H5 => Some(5),
            Self::H6 => Some(6),
            _ => None,
        }
    }
}

/// All tags by the hash of their names; the next free place when there is one already.
static TABLE: [Tag; 512] = {
    let mut table = [Tag::Other; 512];
    let mut next = 3;
    while next < Tag::COUNT {
        let mut at = hash(Tag::ALL[next].name().as_bytes());
        while !matches!(table[at % table.len()], Tag::Other) {
            at += 1;
        }
        table[at % table.len()] = Tag::ALL[next];
        next += 1;
    }
    table
};

/// Of a name without regard to case: bit 0x20 is what tells letters apart, and digits have it.
const fn hash(name: &[u8]) -> usize {
    let mut key = name.len() as u64;
    let mut at = 0;
    while at < name.len() && at < HASHED_BYTES {
        key = key << 8 | (name[at] | 0x20) as u64;
        at += 1;
    }
    // Fibonacci hashing: the upper bits of a product by the golden ratio.
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
}

/// Names are told apart by their first bytes, most of the time.
const HASHED_BYTES: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for name in ["a", "h1", "table", "wbr", "xmp", "article"] {
            assert_eq!(Tag::of(name.as_bytes()).name(), name);
        }
        for tag in &Tag::ALL[3..] {
            assert_eq!(Tag::of(tag.name().as_bytes()), *tag);
            assert_eq!(Tag::of(tag.name().to_ascii_uppercase().as_bytes()), *tag);
        }
        assert_eq!(Tag::of(b"my-element"), Tag::Other);
        assert_eq!(Tag::of(b""), Tag::Other);
    }
}
