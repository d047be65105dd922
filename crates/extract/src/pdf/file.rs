//! The objects of a file.
//!
//! Cross-reference tables are not read: they are wrong in every broken file and can be made to
//! lie. The file is looked through once for objects instead; of two with one number the later one
//! counts, as after an update.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use memchr::memmem;

use super::filter;
use super::lexer::{Dict, Lexer, Value, Work, is_blank};

/// Objects beyond this many are not found.
const MAX_OBJECTS: usize = 500_000;

/// References that lead to references.
const MAX_HOPS: usize = 8;

/// Trailers that are looked at, the last ones.
const MAX_TRAILERS: usize = 16;

/// Depth of the tree of pages.
const MAX_DEPTH: usize = 64;

/// Where an object is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Its value, in the file or in what a stream of objects holds.
    start: u32,
    /// What a stream holds; empty for other objects.
    stream: (u32, u32),
    /// Which stream of objects it is in, from 1.
    packed: u32,
    /// Where in the file it was found.
    found: u32,
}

/// A value and, for a stream, what it holds as it is in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    pub(super) value: Value<'a>,
    pub(super) stream: Option<&'a [u8]>,
}

/// A stream of objects, unpacked.
#[derive(Debug)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    /// Number and place of each.
    objects: Vec<(u32, u32)>,
    found: u32,
}

/// A file that has been looked through.
#[derive(Debug)]
pub(super) struct File<'a> {
    bytes: &'a [u8],
    work: &'a Work,
    places: HashMap<u32, Place>,
    packed: &'a [Packed],
    /// Dictionaries that may say which object is the root.
    trailers: Vec<Dict<'a>>,
    /// Streams of objects, in order.
    streams: Vec<u32>,
    catalog: Option<u32>,
    /// Objects that call themselves pages, in order.
    loose: Vec<u32>,
    /// Something was left out.
    pub(super) is_cut: bool,
}

/// A page and what its content refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<'a> {
    pub(super) dict: Dict<'a>,
    pub(super) resources: Dict<'a>,
}

impl<'a> File<'a> {
    /// Finds all objects that are not in streams. Files beyond 4 GiB are cut.
    pub(super) fn of(bytes: &'a [u8], work: &'a Work) -> Self {
        let bytes = &bytes[..bytes.len().min(u32::MAX as usize)];
        let mut file = Self {
            bytes,
            work,
            places: HashMap::new(),
            packed: &[],
            trailers: Vec::new(),
            streams: Vec::new(),
            catalog: None,
            loose: Vec::new(),
            is_cut: false,
        };
        for at in memmem::rfind_iter(bytes, b"trailer").take(MAX_TRAILERS) {
            if let Some(Value::Dict(dict)) = Lexer::new(&bytes[at + 7..], work).value() {
                file.trailers.push(dict);
            }
        }
        file.scan();
        file
    }

    pub(super) fn work(&self) -> &'a Work {
        self.work
    }

    fn scan(&mut self) {
        let finder = memmem::Finder::new(b"obj");
        // An end that is not there is not looked for twice.
        let mut has_ends = true;
        let mut at = 0;
        while let Some(found) = finder.find(&self.bytes[at..]) {
            let found = at + found;
            at = found + 3;
            let Some(number) = header(&self.bytes[..found]) else { continue };
            if self.places.len() >= MAX_OBJECTS || !self.work.spend(16) {
                self.is_cut = true;
                return;
            }
            let mut lexer = Lexer::new(&self.bytes[at..], self.work);
            let value = lexer.value();
            let after = at + lexer.at();
            let mut place = Place { start: at as u32, stream: (0, 0), packed: 0, found: at as u32 };
            if let Some(Value::Dict(dict)) = value {
                if lexer.word(b"stream") {
                    let (start, end) = self.extent(at + lexer.at(), dict, &mut has_ends);
                    place.stream = (start as u32, end as u32);
                    at = end;
                } else if after < self.bytes.len() {
                    at = after;
                }
                self.note(number, dict, place.stream.1 > 0);
            }
            self.places.insert(number, place);
        }
    }

    /// Where a stream begins and ends: by its length if that is right, or by the word that ends it.
    fn extent(&self, after_word: usize, dict: Dict<'a>, has_ends: &mut bool) -> (usize, usize) {
        let bytes = self.bytes;
        let start = match &bytes[after_word..] {
            [b'\r', b'\n', ..] => after_word + 2,
            [b'\r' | b'\n', ..] => after_word + 1,
            _ => after_word,
        };
        if let Some(length) = dict.get("Length").whole()
            && let Some(end) = start.checked_add(length as usize).filter(|&end| end <= bytes.len())
        {
            let blanks = bytes[end..].iter().take(4).take_while(|&&b| is_blank(b)).count();
            if bytes[end + blanks..].starts_with(b"endstream") {
                return (start, end);
            }
        }
        let found = if *has_ends { memmem::find(&bytes[start..], b"endstream") } else { None };
        *has_ends = found.is_some();
        (start, found.map_or(bytes.len(), |length| start + length))
    }

    /// Remembers an object that says what it is.
    fn note(&mut self, number: u32, dict: Dict<'a>, is_stream: bool) {
        let Value::Name(kind) = dict.get("Type") else { return };
        match kind {
            b"ObjStm" if is_stream => self.streams.push(number),
            b"XRef" if is_stream => self.trailers.push(dict),
            b"Catalog" => self.catalog = Some(number),
            b"Page" => self.loose.push(number),
            _ => {}
        }
    }

    /// Unpacks the streams of objects; together they have no more than `most_bytes`.
    pub(super) fn unpack(&mut self, most_bytes: usize) -> Vec<Packed> {
        let mut room = most_bytes;
        let mut packed = Vec::new();
        for number in std::mem::take(&mut self.streams) {
            let Some(found) = self.places.get(&number).map(|place| place.found) else { continue };
            let Some(Object { value: Value::Dict(dict), stream: Some(data) }) = self.object(number)
            else {
                continue;
            };
            let Some((bytes, is_cut)) = filter::decode(self, dict, data, room) else { continue };
            self.is_cut |= is_cut;
            room -= bytes.len().min(room);
            let first = self.resolve(dict.get("First")).whole().unwrap_or(0) as usize;
            let bytes = bytes.into_owned();
            let mut lexer = Lexer::new(&bytes[..first.min(bytes.len())], self.work);
            let mut objects = Vec::new();
            let mut next = || lexer.value().and_then(Value::whole);
            while let (Some(number), Some(offset)) = (next(), next()) {
                let start = first + offset as usize;
                if start < bytes.len() && objects.len() < MAX_OBJECTS {
                    objects.push((number, start as u32));
                }
            }
            packed.push(Packed { bytes, objects, found });
            if room == 0 || self.work.is_spent() {
                self.is_cut = true;
                break;
            }
        }
        packed
    }

    /// Adds what was in the streams of objects.
    pub(super) fn with<'b>(self, packed: &'b [Packed]) -> File<'b>
    where
        'a: 'b,
    {
        let mut file: File<'b> = File { packed, ..self };
        for (nth, stream) in packed.iter().enumerate() {
            for &(number, start) in &stream.objects {
                let is_later =
                    file.places.get(&number).is_none_or(|known| known.found <= stream.found);
                if !is_later {
                    continue;
                }
                if file.places.len() >= MAX_OBJECTS {
                    file.is_cut = true;
                    return file;
                }
                let packed = 1 + nth as u32;
                let place = Place { start, stream: (0, 0), packed, found: stream.found };
                file.places.insert(number, place);
                if let Some(Object { value: Value::Dict(dict), .. }) = file.object(number) {
                    file.note(number, dict, false);
                }
            }
        }
        file
    }

    pub(super) fn object(&self, number: u32) -> Option<Object<'a>> {
        let place = self.places.get(&number)?;
        let bytes: &'a [u8] = match place.packed {
            0 => self.bytes,
            nth => &self.packed[nth as usize - 1].bytes,
        };
        let value = Lexer::new(&bytes[place.start as usize..], self.work).value()?;
        let (start, end) = place.stream;
        let stream = (end > 0).then(|| &bytes[start as usize..end as usize]);
        Some(Object { value, stream })
    }

    /// What a value refers to.
    pub(super) fn find(&self, mut value: Value<'a>) -> Object<'a> {
        let mut stream = None;
        for _ in 0..MAX_HOPS {
            let Value::Reference(number) = value else { return Object { value, stream } };
            let found = self.object(number);
            value = found.map_or(Value::Null, |object| object.value);
            stream = found.and_then(|object| object.stream);
        }
        Object { value: Value::Null, stream: None }
    }

    pub(super) fn resolve(&self, value: Value<'a>) -> Value<'a> {
        self.find(value).value
    }

    pub(super) fn dict(&self, value: Value<'a>) -> Option<Dict<'a>> {
        match self.resolve(value) {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// What a stream holds, unpacked, and whether something of it was left out.
    pub(super) fn unpacked(
        &self,
        value: Value<'a>,
        most_bytes: usize,
    ) -> Option<(Cow<'a, [u8]>, bool)> {
        match self.find(value) {
            Object { value: Value::Dict(dict), stream: Some(data) } => {
                filter::decode(self, dict, data, most_bytes)
            }
            _ => None,
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.trailers.iter().any(|trailer| !matches!(trailer.get("Encrypt"), Value::Null))
    }

    /// The dictionary of what the document says about itself.
    pub(super) fn info(&self) -> Option<Dict<'a>> {
        self.trailers.iter().find_map(|trailer| self.dict(trailer.get("Info")))
    }

    /// The dictionary from which the document is reached.
    pub(super) fn catalog(&self) -> Option<Dict<'a>> {
        let named = self.trailers.iter().find_map(|trailer| {
            let root = self.dict(trailer.get("Root"))?;
            (!matches!(root.get("Pages"), Value::Null)).then_some(root)
        });
        named.or_else(|| self.dict(Value::Reference(self.catalog?)))
    }

    /// The pages in order, at most `most`, and whether there are more. Where no tree leads to any,
    /// all that call themselves pages are.
    pub(super) fn pages(&self, most: usize) -> (Vec<Leaf<'a>>, bool) {
        let root = self.catalog().map_or(Value::Null, |catalog| catalog.get("Pages"));
        let (pages, has_more) = self.tree(root, most);
        if !pages.is_empty() {
            return (pages, has_more);
        }
        let dicts = self.loose.iter().filter_map(|&number| self.dict(Value::Reference(number)));
        let leaves = dicts.take(most).map(|dict| {
            let above = std::iter::successors(Some(dict), |dict| self.dict(dict.get("Parent")));
            let inherited = above.take(MAX_HOPS).find_map(|dict| self.dict(dict.get("Resources")));
            Leaf { dict, resources: self.resources(dict, inherited) }
        });
        (leaves.collect(), self.loose.len() > most)
    }

    fn tree(&self, root: Value<'a>, most: usize) -> (Vec<Leaf<'a>>, bool) {
        let mut pages = Vec::new();
        let mut seen = HashSet::new();
        // What is left of the children at each depth, and the resources they inherit.
        let mut open: Vec<(Box<dyn Iterator<Item = Value<'a>> + 'a>, Option<Dict<'a>>)> =
            vec![(Box::new(std::iter::once(root)), None)];
        while let Some((children, inherited)) = open.last_mut() {
            let Some(child) = children.next() else {
                open.pop();
                continue;
            };
            // Nothing is its own ancestor, and no page comes twice.
            if let Value::Reference(number) = child
                && !seen.insert(number)
            {
                continue;
            }
            let Some(dict) = self.dict(child) else { continue };
            let resources = self.resources(dict, *inherited);
            match self.resolve(dict.get("Kids")) {
                Value::Array(kids) => {
                    if open.len() < MAX_DEPTH {
                        open.push((Box::new(kids.values()), Some(resources)));
                    }
                }
                _ if dict.get("Type").is("Pages") => {}
                _ if pages.len() == most => return (pages, true),
                _ => pages.push(Leaf { dict, resources }),
            }
        }
        (pages, false)
    }

    fn resources(&self, dict: Dict<'a>, inherited: Option<Dict<'a>>) -> Dict<'a> {
        let own = self.dict(dict.get("Resources"));
        own.or(inherited).unwrap_or_else(|| Dict::empty(self.work))
    }
}

/// The number of an object whose header ends where `before` does: `12 0 ` before `obj`.
fn header(before: &[u8]) -> Option<u32> {
    let (_, before) = number_at_end(blanks_at_end(before)?)?;
    let (digits, _) = number_at_end(blanks_at_end(before)?)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn blanks_at_end(bytes: &[u8]) -> Option<&[u8]> {
    let blanks = bytes.iter().rev().take(16).take_while(|&&b| is_blank(b)).count();
    (blanks > 0).then(|| &bytes[..bytes.len() - blanks])
}

/// The digits at the end, and what is before them.
fn number_at_end(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = bytes.iter().rev().take(10).take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = bytes.split_at(bytes.len() - digits);
    (!digits.is_empty()).then_some((digits, before))
}
