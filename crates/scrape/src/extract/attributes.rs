//! The attributes of one start tag, as far as they matter.

/// An attribute's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attr {
    Href,
    Src,
    DataSrc,
    Alt,
    Rel,
    Class,
    Lang,
    Name,
    Property,
    Content,
    Itemprop,
    HttpEquiv,
    Type,
    Start,
    Colspan,
    Datetime,
    Title,
    AriaLabel,
    Hidden,
}

const COUNT: usize = Attr::Hidden as usize + 1;

/// Longer values are taken for absent.
const MAX_VALUE_BYTES: usize = 16 * 1024;

impl Attr {
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"href" => Self::Href,
            b"src" => Self::Src,
            b"data-src" => Self::DataSrc,
            b"alt" => Self::Alt,
            b"rel" => Self::Rel,
            b"class" => Self::Class,
            b"lang" => Self::Lang,
            b"name" => Self::Name,
            b"property" => Self::Property,
            b"content" => Self::Content,
            b"itemprop" => Self::Itemprop,
            b"http-equiv" => Self::HttpEquiv,
            b"type" => Self::Type,
            b"start" => Self::Start,
            b"colspan" => Self::Colspan,
            b"datetime" => Self::Datetime,
            b"title" => Self::Title,
            b"aria-label" => Self::AriaLabel,
            b"hidden" => Self::Hidden,
            _ => return None,
        })
    }
}

/// The values; the first of a name counts, as the standard has it.
#[derive(Default)]
pub(super) struct Attributes {
    values: [String; COUNT],
    present: u32,
    open: Option<Attr>,
}

impl Attributes {
    pub(super) fn clear(&mut self) {
        self.present = 0;
        self.open = None;
    }

    /// Takes the next name; a value may follow.
    pub(super) fn name(&mut self, name: &[u8]) {
        self.open = Attr::of(name).filter(|&name| !self.has(name));
        if let Some(name) = self.open {
            self.present |= 1 << name as u32;
            self.values[name as usize].clear();
        }
    }

    /// Takes the value of the last name.
    pub(super) fn value(&mut self, value: &[u8]) {
        let Some(name) = self.open.take() else {
            return;
        };
        if value.len() > MAX_VALUE_BYTES {
            self.present &= !(1 << name as u32);
            return;
        }
        self.values[name as usize].push_str(&String::from_utf8_lossy(value));
    }

    pub(super) fn has(&self, name: Attr) -> bool {
        self.present & (1 << name as u32) != 0
    }

    pub(super) fn get(&self, name: Attr) -> Option<&str> {
        self.has(name).then(|| self.values[name as usize].as_str())
    }

    /// The first of these that has more than blanks, trimmed.
    pub(super) fn first_of(&self, names: &[Attr]) -> Option<&str> {
        names.iter().filter_map(|&name| self.get(name)).map(str::trim).find(|v| !v.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts() {
        let mut attributes = Attributes::default();
        attributes.name(b"href");
        attributes.value(b"a");
        attributes.name(b"href");
        attributes.value(b"b");
        attributes.name(b"hidden");
        assert_eq!(attributes.get(Attr::Href), Some("a"));
        assert_eq!(attributes.get(Attr::Hidden), Some(""));
        attributes.clear();
        assert_eq!(attributes.get(Attr::Href), None);
    }
}
