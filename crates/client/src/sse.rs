use std::time::Duration;

/// An event of `text/event-stream` (HTML §9.2.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its type, `message` when none was said.
    pub(crate) kind: String,
    /// Its data.
    pub(crate) data: String,
}

/// Reads such a stream line by line.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// Where to begin again.
    pub(crate) last_id: Option<String>,
    /// When to come back.
    pub(crate) retry: Option<Duration>,
    kind: String,
    data: Option<String>,
}

impl Parser {
    /// Begins after the event with this id, if one is named.
    pub(crate) fn after(last_id: Option<String>) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// Takes a line; answers the event that it ends.
    pub(crate) fn line(&mut self, line: &[u8]) -> Option<Event> {
        if line.is_empty() {
            return self.end();
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            // A comment, or what is not known.
            _ => {}
        }
        None
    }

    fn end(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        let data = self.data.take()?;
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        Some(Event { kind, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_ids_and_the_time_to_come_back_are_read() {
        let mut parser = Parser::default();
        let text = "retry: 2000\nid: a-1\n\n:\n\nid: a-2\nevent: job.failed\ndata: {\"id\":1}\n\n\
                    data:x\ndata\ndata: y\n\nevent: lost\n\ndata: half";
        let events: Vec<_> =
            text.split('\n').filter_map(|line| parser.line(line.as_bytes())).collect();
        let event = |kind: &str, data: &str| Event { kind: kind.into(), data: data.into() };
        assert_eq!(events, [event("job.failed", "{\"id\":1}"), event("message", "x\n\ny")]);
        assert_eq!(parser.last_id.as_deref(), Some("a-2"));
        assert_eq!(parser.retry, Some(Duration::from_secs(2)));
    }
}
