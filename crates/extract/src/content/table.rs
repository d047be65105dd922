//! Features as tables: a name and a value, written once.

/// Defines a function that gives an array of bytes, and a constant with their names.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $visible:vis $names:ident: fn $function:ident($($argument:ident: $type:ty),* $(,)?) {
            $($before:stmt;)*
        }
        $($name:literal => $value:expr),+ $(,)?
    ) => {
        /// What the values are called.
        $visible const $names: [&str; [$($name),+].len()] = [$($name),+];

        $(#[$doc])*
        $visible fn $function($($argument: $type),*) -> [u8; $names.len()] {
            $($before)*
            [$($value),+]
        }
    };
}

pub(crate) use table;

/// Where the tables of one block's features go.
pub(crate) trait Row {
    /// Takes the values of one table, called `part.name`.
    fn part<const N: usize>(&mut self, part: &str, names: &[&str; N], values: &[u8; N]);
}

/// Takes the values.
impl Row for Vec<u8> {
    fn part<const N: usize>(&mut self, _part: &str, _names: &[&str; N], values: &[u8; N]) {
        self.extend_from_slice(values);
    }
}

/// Takes the values in place of bytes that are there already.
pub(crate) struct Slots<'r>(pub(crate) &'r mut [u8]);

impl Row for Slots<'_> {
    fn part<const N: usize>(&mut self, _part: &str, _names: &[&str; N], values: &[u8; N]) {
        let (slots, rest) = std::mem::take(&mut self.0).split_at_mut(N);
        slots.copy_from_slice(values);
        self.0 = rest;
    }
}

/// Takes the names.
impl Row for Vec<String> {
    fn part<const N: usize>(&mut self, part: &str, names: &[&str; N], _values: &[u8; N]) {
        self.extend(names.iter().map(|name| format!("{part}.{name}")));
    }
}
