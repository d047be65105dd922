use std::fs::File;
use std::io::{self, ErrorKind, Write, stdout};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use super::lines::{Line, Out};

/// How long a pipe that was made non-blocking, and is full, is left alone.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(10);

/// A descriptor that lines are written to: standard output.
pub(super) struct Pipe {
    file: File,
    buffer: Vec<u8>,
}

impl Pipe {
    pub(super) fn stdout() -> Result<Self, String> {
        // A descriptor of our own: nothing is held back, and a line that somebody prints meanwhile
        // waits for no lock.
        let descriptor = stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|e| format!("standard output cannot be used: {e}"))?;
        Ok(Self { file: descriptor.into(), buffer: Vec::new() })
    }

    fn write(&mut self) -> io::Result<()> {
        let mut rest = &self.buffer[..];
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => thread::sleep(FULL_PIPE_PAUSE),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl Out for Pipe {
    fn append(&mut self, lines: &[Line]) -> Result<(), String> {
        for line in lines {
            self.buffer.clear();
            self.buffer.extend_from_slice(&line.text);
            self.buffer.push(b'\n');
            self.write().map_err(|e| match e.kind() {
                ErrorKind::BrokenPipe => "standard output is closed: nobody reads it".to_owned(),
                _ => format!("cannot write to standard output: {e}"),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::fd::OwnedFd;

    use bytes::Bytes;

    use super::super::lines::Lines;
    use super::*;

    fn lines(pipe: io::PipeWriter) -> Lines {
        let file = File::from(OwnedFd::from(pipe));
        Lines::start("test", Pipe { file, buffer: Vec::new() }).unwrap()
    }

    fn line(text: impl Into<Bytes>) -> Line {
        Line { text: text.into(), now_s: 0 }
    }

    #[tokio::test]
    async fn each_event_is_a_line_at_once() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = lines(writer);
        let mut reader = BufReader::new(reader);
        for text in [r#"{"a":1}"#, r#"{"b":2}"#] {
            lines.append(line(text)).await.unwrap();
            let mut read = String::new();
            reader.read_line(&mut read).unwrap();
            assert_eq!(read, format!("{text}\n"));
        }
    }

    #[tokio::test]
    async fn a_closed_pipe_is_trouble_that_passes() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = lines(writer);
        drop(reader);
        let trouble = lines.append(line("{}")).await.unwrap_err();
        assert_eq!(trouble.answer, crate::Answer::Retryable);
        assert!(trouble.what.contains("nobody reads it"), "{}", trouble.what);
    }

    #[tokio::test]
    async fn a_pipe_that_nobody_reads_holds_up_nobody_else() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = lines(writer);
        // More than a pipe holds.
        let long = lines.append(line(vec![b'x'; 4 << 20]));
        let waited = tokio::time::timeout(Duration::from_millis(50), long).await;
        assert!(waited.is_err(), "the reactor went on");
        // Read at last: the long line, and only it; the one that was given up is not written.
        let gone = tokio::time::timeout(Duration::ZERO, lines.append(line("gone"))).await;
        assert!(gone.is_err());
        let read = thread::spawn(move || {
            let mut lines = BufReader::new(reader).lines();
            (lines.next().unwrap().unwrap().len(), lines.next().unwrap().unwrap())
        });
        lines.append(line("after")).await.unwrap();
        drop(lines);
        assert_eq!(read.join().unwrap(), (4 << 20, "after".to_owned()));
    }
}
