use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::Context;

/// The storage shim (`tests/faultfs`) over one data directory: see its documentation for the rules
/// and for what survives a power cut.
#[derive(Clone, Debug)]
pub struct FaultFs {
    library: PathBuf,
    data: PathBuf,
    home: PathBuf,
    seed: Option<u64>,
    rules: String,
    cuts: u32,
}

impl FaultFs {
    /// The exit code of a process that a `die` rule ended.
    pub const DIED: i32 = 86;

    /// Builds the shim if need be and puts it over the directory `data`. Its own files go to
    /// `home`, which must be on the same file system and not inside `data`.
    ///
    /// # Errors
    /// When it cannot be built (Linux only).
    pub fn new(data: &Path, home: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data).context("making the data directory")?;
        std::fs::create_dir_all(home).context("making the shim's directory")?;
        Ok(Self {
            library: library()?,
            data: data.to_owned(),
            home: home.to_owned(),
            seed: None,
            rules: String::new(),
            cuts: 0,
        })
    }

    /// Lets a random part of what was not synced survive a power cut.
    #[must_use]
    pub fn with_torn_writes(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The rules that the next process starts with, such as `die nth=200`; they hold until
    /// [`FaultFs::command`] is called while it runs. Forgets an earlier command.
    ///
    /// # Errors
    /// When the control file cannot be removed.
    pub fn start_with(&mut self, rules: &str) -> anyhow::Result<()> {
        rules.clone_into(&mut self.rules);
        match std::fs::remove_file(self.control()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Replaces the rules of the running process, such as `fail fsync EIO` or `off`.
    ///
    /// # Errors
    /// When the control file cannot be written.
    pub fn command(&self, rules: &str) -> anyhow::Result<()> {
        // By a rename, so that it is never read half written.
        let fresh = self.home.join("control.new");
        std::fs::write(&fresh, rules).context("writing the shim's control file")?;
        std::fs::rename(fresh, self.control()).context("replacing the shim's control file")
    }

    /// The environment of a process under the shim.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut vars: Vec<(OsString, OsString)> = vec![
            ("LD_PRELOAD".into(), self.library.clone().into()),
            ("FAULTFS_DIR".into(), self.data.clone().into()),
            ("FAULTFS_SHADOW".into(), self.shadow().into()),
            ("FAULTFS_CONTROL".into(), self.control().into()),
            ("FAULTFS_STATS".into(), self.home.join("stats").into()),
            ("FAULTFS_RULES".into(), self.rules.clone().into()),
        ];
        if let Some(seed) = self.seed {
            vars.push(("FAULTFS_SEED".into(), (seed + u64::from(self.cuts)).to_string().into()));
        }
        vars
    }

    /// Storage operations so far, and the syncs among them, over all processes.
    pub fn counts(&self) -> (u64, u64) {
        let bytes = std::fs::read(self.home.join("stats")).unwrap_or_default();
        let read = |at: usize| {
            let bytes = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_ne_bytes)
        };
        (read(0), read(8))
    }

    /// Cuts the power: the data directory becomes what was durable. The process must be dead.
    ///
    /// # Errors
    /// When a directory cannot be moved or removed.
    pub fn power_cut(&mut self) -> anyhow::Result<()> {
        self.cuts += 1;
        std::fs::remove_dir_all(&self.data).context("removing what the power cut took")?;
        std::fs::rename(self.shadow().join("tree"), &self.data).context("taking the shadow")?;
        self.forget()
    }

    /// Forgets the shadow: what is in the data directory at the next start counts as durable.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self) -> anyhow::Result<()> {
        match std::fs::remove_dir_all(self.shadow()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("removing the shadow")
            }
            _ => Ok(()),
        }
    }

    fn shadow(&self) -> PathBuf {
        self.home.join("shadow")
    }

    fn control(&self) -> PathBuf {
        self.home.join("control")
    }
}

/// The shim: built once, and again after its sources changed.
fn library() -> anyhow::Result<PathBuf> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = LIBRARY.get_or_init(|| match up_to_date() {
        Some(library) => Ok(library),
        None => build().map_err(|error| format!("{error:#}")),
    });
    built.clone().map_err(anyhow::Error::msg)
}

/// The library that was built before, when nothing has changed since: asking cargo would wait for
/// whatever else it is building.
fn up_to_date() -> Option<PathBuf> {
    let library = target_directory()?.join("debug/libfaultfs.so");
    let built = library.metadata().ok()?.modified().ok()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../faultfs");
    let files = std::fs::read_dir(source.join("src")).ok()?.flatten().map(|file| file.path());
    let fresh =
        |path: PathBuf| path.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at < built);
    files.chain([source.join("Cargo.toml")]).all(fresh).then_some(library)
}

fn build() -> anyhow::Result<PathBuf> {
    anyhow::ensure!(cfg!(target_os = "linux"), "the storage shim works on Linux only");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--package", "faultfs", "--message-format", "json-render-diagnostics"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    if let Some(target) = target_directory() {
        command.arg("--target-dir").arg(target);
    }
    let output = command.output().context("running cargo build --package faultfs")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo build --package faultfs failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).context("reading cargo's messages")?;
    let artifact = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|message| {
            message["reason"] == "compiler-artifact" && message["target"]["name"] == "faultfs"
        })
        .context("cargo names no faultfs library")?;
    let path = artifact["filenames"][0].as_str().context("the library has no file")?;
    Ok(PathBuf::from(path))
}

/// The target directory that the running binary was built into.
fn target_directory() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists()).map(Path::to_owned)
}
