/// The parameters of a listing that were given.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Adds a parameter when there is a value.
    pub(crate) fn with<T: ToString>(mut self, name: &'static str, value: Option<T>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a parameter in the place of the one before; takes it away without a value.
    pub(crate) fn set<T: ToString>(&mut self, name: &'static str, value: Option<T>) {
        self.0.retain(|(other, _)| *other != name);
        self.0.extend(value.map(|value| (name, value.to_string())));
    }

    pub(crate) fn pairs(&self) -> &[(&'static str, String)] {
        &self.0
    }
}
