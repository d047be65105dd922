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

            /// The tag of a name in lower case.
            #[allow(non_upper_case_globals, reason = "constants named like their variants")]
            pub(crate) fn of(name: &[u8]) -> Self {
                $(const $tag: &[u8] = $name.as_bytes();)+
                match name {
                    $($tag => Self::$tag,)+
                    _ => Self::Other,
                }
            }

            /// The name in lower case; empty for `Root`, `Text` and `Other`.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    Self::Root | Self::Text | Self::Other => "",
                    $(Self::$tag => $name),+
                }
            }
        }
    };
}

tags! {
    A "a", Abbr "abbr", Acronym "acronym", Address "address", Applet "applet", Area "area",
    Article "article", Aside "aside", Audio "audio", B "b", Base "base", Bdi "bdi", Bdo "bdo",
    Big "big", Blockquote "blockquote", Body "body", Br "br", Button "button", Canvas "canvas",
    Caption "caption", Center "center", Cite "cite", Code "code", Col "col", Colgroup "colgroup",
    Data "data", Datalist "datalist", Dd "dd", Del "del", Details "details", Dfn "dfn",
    Dialog "dialog", Dir "dir", Div "div", Dl "dl", Dt "dt", Em "em", Embed "embed",
    Fieldset "fieldset", Figcaption "figcaption", Figure "figure", Font "font", Footer "footer",
    Form "form", Frame "frame", Frameset "frameset", H1 "h1", H2 "h2", H3 "h3", H4 "h4", H5 "h5",
    H6 "h6", Head "head", Header "header", Hgroup "hgroup", Hr "hr", Html "html", I "i",
    Iframe "iframe", Img "img", Input "input", Ins "ins", Kbd "kbd", Label "label",
    Legend "legend", Li "li", Link "link", Listing "listing", Main "main", Map "map", Mark "mark",
    Marquee "marquee", Math "math", Menu "menu", Meta "meta", Meter "meter", Nav "nav",
    Nobr "nobr", Noembed "noembed", Noframes "noframes", Noscript "noscript", Object "object",
    Ol "ol", Optgroup "optgroup", Option "option", Output "output", P "p", Param "param",
    Path "path", Picture "picture", Plaintext "plaintext", Pre "pre", Progress "progress", Q "q",
    Rb "rb", Rp "rp", Rt "rt", Rtc "rtc", Ruby "ruby", S "s", Samp "samp", Script "script",
    Search "search", Section "section", Select "select", Slot "slot", Small "small",
    Source "source", Span "span", Strike "strike", Strong "strong", Style "style", Sub "sub",
    Summary "summary", Sup "sup", Svg "svg", Table "table", Tbody "tbody", Td "td",
    Template "template", Textarea "textarea", Tfoot "tfoot", Th "th", Thead "thead", Time "time",
    Title "title", Tr "tr", Track "track", Tt "tt", U "u", Ul "ul", Use "use", Var "var",
    Video "video", Wbr "wbr", Xmp "xmp",
}

impl Tag {
    /// Has no content and no end tag (HTML standard, "void elements", and the obsolete ones).
    pub(crate) fn is_void(self) -> bool {
        use Tag::{
            Area, Base, Br, Col, Embed, Frame, Hr, Img, Input, Link, Meta, Param, Source, Track,
            Wbr,
        };
        matches!(
            self,
            Area | Base
                | Br
                | Col
                | Embed
                | Frame
                | Hr
                | Img
                | Input
                | Link
                | Meta
                | Param
                | Source
                | Track
                | Wbr
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for name in ["a", "h1", "table", "wbr", "xmp", "article"] {
            assert_eq!(Tag::of(name.as_bytes()).name(), name);
        }
        assert_eq!(Tag::of(b"my-element"), Tag::Other);
        assert!(Tag::COUNT < 200);
    }
}
