//! JSON objects, written member by member straight into a buffer.

use std::borrow::BorrowMut;
use std::io;

use serde::Serialize;

/// An object under construction, in a buffer it owns or borrows.
pub(crate) struct Object<B: BorrowMut<Vec<u8>>> {
    out: B,
    first: bool,
}

impl<B: BorrowMut<Vec<u8>>> Object<B> {
    /// Begins an object at the end of `out`.
    pub(crate) fn open(mut out: B) -> Self {
        out.borrow_mut().push(b'{');
        Self { out, first: true }
    }

    /// Ends it and gives the buffer back.
    pub(crate) fn close(mut self) -> B {
        self.out.borrow_mut().push(b'}');
        self.out
    }

    /// A last member that is an object itself. Whoever closes that has to close this one too.
    pub(crate) fn open_last(mut self, key: &str) -> Self {
        self.raw(key, |_| ());
        Self::open(self.out)
    }

    /// A member whose value `write` writes.
    pub(crate) fn raw(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.out.borrow_mut();
        if !std::mem::take(&mut self.first) {
            out.push(b',');
        }
        json(out, key);
        out.push(b':');
        write(out);
    }

    /// A member.
    pub(crate) fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.raw(key, |out| json(out, value));
    }

    /// A member that is left out when there is nothing to say.
    pub(crate) fn optional<T: Serialize + ?Sized>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("a Vec takes every byte and the keys are strings");
}

/// How long `text` is as a JSON string.
pub(crate) fn quoted_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

/// How long any value is as JSON.
pub(crate) fn json_bytes<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("counting cannot fail");
    count.0
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_in_json_is_known_before_it_is_written() {
        let everything: String = ('\0'..='\u{7ff}').collect();
        let written = serde_json::to_vec(&everything).unwrap().len();
        assert_eq!(quoted_bytes(&everything), written);
        assert_eq!(json_bytes(&everything), written);
    }

    #[test]
    fn members_are_separated_and_nested() {
        let mut object = Object::open(Vec::new());
        object.field("a", &1);
        object.optional("b", None::<&u8>);
        object.raw("c", |out| {
            Object::open(out).close();
        });
        assert_eq!(object.close(), br#"{"a":1,"c":{}}"#);
    }
}
