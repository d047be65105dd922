use super::hosts;

/// What the jobs of a load ask for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Jobs {
    /// Comma-separated formats to ask for
    #[arg(long)]
    formats: String,
    /// The origin's port
    #[arg(long)]
    origin_port: u16,
    /// How many of the origin's addresses to use in turn
    #[arg(long)]
    hosts: u32,
    /// Where the jobs' events go, when it is not where the server sends them anyway
    #[arg(long)]
    sink: Option<String>,
    /// When all jobs are to start, in microseconds since the Unix epoch; 0: as they are accepted
    #[arg(long, default_value_t = 0)]
    due_us: u64,
}

impl Jobs {
    /// Whether there is something to ask.
    pub(crate) const fn is_sound(&self) -> bool {
        self.hosts > 0
    }

    /// The JSON of job number `job` that is sent at `sent_us`, without a line feed in it.
    pub(crate) fn body(&self, job: u32, sent_us: u64) -> String {
        let Self { formats, origin_port, hosts, due_us, sink } = self;
        let host = hosts::address(job % hosts);
        let formats = formats.replace(',', "\",\"");
        let delay = match due_us.saturating_sub(sent_us) / 1_000 {
            0 => String::new(),
            ms => format!(r#""delay":"{ms}ms","#),
        };
        let sink = sink.as_ref().map_or_else(String::new, |sink| format!(r#""sink":"{sink}","#));
        format!(
            r#"{{"url":"http://{host}:{origin_port}/{job}","formats":["{formats}"],{delay}{sink}"metadata":{{"bench":"{job}:{sent_us}"}}}}"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_one_line_of_json_with_what_was_asked_for() {
        let jobs = Jobs {
            formats: "text,links".to_owned(),
            origin_port: 80,
            hosts: 2,
            sink: Some("http://127.0.0.1:9/".to_owned()),
            due_us: 3_000_000,
        };
        let body = jobs.body(7, 1_000_000);
        assert!(!body.contains('\n'));
        let job: serde_json::Value = serde_json::from_str(&body).expect("it is JSON");
        assert_eq!(job["formats"], serde_json::json!(["text", "links"]));
        assert_eq!(job["delay"], "2000ms");
        assert_eq!(job["metadata"]["bench"], "7:1000000");
        assert_eq!(job["sink"], "http://127.0.0.1:9/");
    }
}
