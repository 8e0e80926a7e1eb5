//! A target: an application that somebody else has started, in two instances behind a balancer.
//!
//! [`mod@file`] is the format of the file that describes one, and [`check`] what the types cannot
//! say. [`ground`] is what a run stands on that plays on one, and [`wait`] how it sees what others
//! do. `docs/TARGETS.md` is the page for whoever writes such a file.

mod arm;
pub mod check;
pub mod file;
pub mod ground;
pub mod statistics;
pub mod wait;

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::lab::Lab;
use file::{TargetArm, TargetFile};

/// The shortest secret that `/lab` takes.
const SECRET_MIN_CHARS: usize = 16;

/// A target file that was read and found good.
#[derive(Debug, Clone)]
pub struct Target {
    /// The file's path, as it was named.
    pub path: PathBuf,
    /// What stands in it.
    pub file: TargetFile,
}

impl Target {
    /// Reads the file.
    ///
    /// # Errors
    /// One line that names the file, the field and the remedy; exit code 2.
    pub fn load(path: &Path) -> Result<Target, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let remedy = "name a file that can be read; docs/TARGETS.md describes it";
            Failure::Usage(format!("--target {}: {error}; {remedy}", path.display()))
        })?;
        let target = |file| Target {
            path: path.to_owned(),
            file,
        };
        let read = parse(&text).and_then(|file| check::check(&file).map(|()| target(file)));
        read.map_err(|why| wrong(path, &why))
    }

    /// The way into the `/lab` of an arm's instances, if the file names its secret.
    ///
    /// # Errors
    /// When the secret's file cannot be read, or holds no secret; exit code 2.
    pub fn lab(&self, arm: &TargetArm) -> Result<Option<Lab>, Failure> {
        let (field, file) = match (&arm.lab_secret_file, &self.file.lab_secret_file) {
            (Some(file), _) => (format!("{}: lab_secret_file", arm.arm), file),
            (None, Some(file)) if arm.properties.is_none() => ("lab_secret_file".to_owned(), file),
            (None, _) => return Ok(None),
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let file = folder.join(file);
        let place = format!("{field}: {}", file.display());
        let secret = std::fs::read_to_string(&file)
            .map_err(|error| wrong(&self.path, &format!("{place}: {error}")))?;
        let secret = secret.trim();
        if secret.chars().count() < SECRET_MIN_CHARS {
            let why = format!("{place}: a secret has {SECRET_MIN_CHARS} characters or more");
            return Err(wrong(&self.path, &why));
        }
        Ok(Some(Lab::new(secret.to_owned())))
    }
}

fn parse(text: &str) -> Result<TargetFile, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let file = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.path().to_string();
        match at.as_str() {
            "." => error.into_inner().to_string(),
            _ => format!("{at}: {}", error.into_inner()),
        }
    })?;
    json.end().map_err(|error| error.to_string())?;
    Ok(file)
}

fn wrong(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::Usage(format!(
        "--target {path}: {why}; docs/TARGETS.md describes the file"
    ))
}
