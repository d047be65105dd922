//! The elements that extraction knows.

macro_rules! tags {
    ($($tag:ident $($name:literal)|+),+ $(,)?) => {
        /// An element's name. [`Tag::Other`] stands for all that are inline and mean nothing here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Tag { $($tag),+, Other }

        impl Tag {
            /// How many tags there are.
            pub(super) const COUNT: usize = Self::Other as usize + 1;

            /// The tag of a name in lower case.
            pub(super) fn of(name: &[u8]) -> Self {
                match name {
                    $($(v if v == $name.as_bytes() => Self::$tag,)+)+
                    _ => Self::Other,
                }
            }
        }
    };
}

tags! {
    Span "span",
    A "a",
    Div "div",
    Li "li",
    P "p",
    Script "script",
    Img "img",
    Path "path",
    Ul "ul" | "menu" | "dir",
    Meta "meta",
    Link "link",
    Strong "strong" | "b",
    Em "em" | "i" | "cite" | "dfn" | "var",
    Td "td",
    Tr "tr",
    Th "th",
    Svg "svg",
    Br "br",
    Option "option" | "optgroup",
    H1 "h1",
    H2 "h2",
    H3 "h3",
    H4 "h4",
    H5 "h5",
    H6 "h6",
    Time "time",
    Code "code" | "kbd" | "samp" | "tt",
    Del "del" | "s" | "strike",
    Ol "ol",
    Section "section",
    Article "article",
    Header "header",
    Footer "footer",
    Nav "nav",
    Aside "aside",
    Main "main",
    Figure "figure",
    Figcaption "figcaption",
    Form "form",
    Fieldset "fieldset" | "legend",
    Details "details" | "summary",
    Dl "dl",
    Dt "dt",
    Dd "dd",
    Address "address",
    Center "center",
    Group "hgroup" | "dialog" | "search",
    Blockquote "blockquote",
    Pre "pre" | "listing" | "xmp" | "plaintext",
    Hr "hr",
    Table "table",
    Caption "caption",
    Rows "thead" | "tbody" | "tfoot",
    Html "html",
    Head "head",
    Body "body",
    Base "base",
    Title "title",
    Style "style",
    Noscript "noscript",
    Template "template",
    Foreign "foreignobject",
    Annotation "annotation" | "annotation-xml",
    Iframe "iframe",
    Object "object",
    Media "audio" | "video",
    Canvas "canvas",
    Select "select" | "datalist",
    Textarea "textarea",
    Fallback "noembed" | "noframes",
    Void "area" | "col" | "embed" | "input" | "param" | "source" | "track" | "wbr" | "keygen",
}

impl Tag {
    /// Its content is neither text nor Markdown of ours.
    pub(super) fn is_dropped(self) -> bool {
        matches!(
            self,
            Self::Style
                | Self::Noscript
                | Self::Template
                | Self::Svg
                | Self::Annotation
                | Self::Iframe
                | Self::Object
                | Self::Media
                | Self::Canvas
                | Self::Select
                | Self::Textarea
                | Self::Fallback
        )
    }

    /// Starts and ends a block and means nothing else.
    pub(super) fn is_plain_block(self) -> bool {
        matches!(
            self,
            Self::Div
                | Self::Section
                | Self::Article
                | Self::Header
                | Self::Footer
                | Self::Nav
                | Self::Aside
                | Self::Main
                | Self::Figure
                | Self::Figcaption
                | Self::Form
                | Self::Fieldset
                | Self::Details
                | Self::Dl
                | Self::Address
                | Self::Center
                | Self::Group
        )
    }

    /// The level of a heading.
    pub(super) fn heading(self) -> Option<u8> {
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

    /// Has neither content nor an end tag.
    pub(super) fn is_void(self) -> bool {
        matches!(
            self,
            Self::Void | Self::Br | Self::Hr | Self::Img | Self::Meta | Self::Link | Self::Base
        )
    }

    /// Its `hidden` attribute is honoured: its end is sure to be marked by an end tag.
    pub(super) fn may_hide(self) -> bool {
        let optional_end = matches!(
            self,
            Self::P
                | Self::Li
                | Self::Dt
                | Self::Dd
                | Self::Td
                | Self::Th
                | Self::Tr
                | Self::Rows
                | Self::Option
                | Self::Html
                | Self::Head
                | Self::Body
        );
        !optional_end && !self.is_void()
    }

    /// Ends foreign content wherever it appears (HTML standard, "parsing main inforeign").
    pub(super) fn breaks_out_of_svg(self) -> bool {
        self.heading().is_some()
            || matches!(
                self,
                Self::Div
                    | Self::P
                    | Self::Ul
                    | Self::Ol
                    | Self::Li
                    | Self::Table
                    | Self::Blockquote
                    | Self::Pre
                    | Self::Body
                    | Self::Head
                    | Self::Br
                    | Self::Hr
                    | Self::Img
                    | Self::Meta
                    | Self::Strong
                    | Self::Dl
                    | Self::Dt
                    | Self::Dd
                    | Self::Center
                    | Self::Span
            )
    }

    /// Stops the search for an element to be closed (HTML standard, "has an element in scope").
    pub(super) fn is_scope(self) -> bool {
        matches!(self, Self::Table | Self::Td | Self::Th | Self::Caption)
    }
}
