//! Secrets that nobody hands out: whichever process finds none makes it, and all read the same.
//!
//! In a stack of containers there is no parent that could make keys and hand them to its children,
//! and a secret in a repository is none.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// What is in the file at `path`. If there is no such file, `make` makes its content, unless
/// another process was quicker: then it is what that one made. Readable by this user alone.
///
/// # Errors
/// When the file can neither be read nor made, or `make` fails.
pub fn file(path: &Path, make: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read,
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Written whole beside it, then renamed where nothing is: no reader sees half of it.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&make()?)?;
    match file.persist_noclobber(path) {
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => {}
        renamed => drop(renamed?),
    }
    fs::read(path)
}

/// 128 random bits, in hexadecimal digits.
pub fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn of_many_at_once_one_makes_it_and_all_read_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let together = Barrier::new(16);
        let read: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let racing = [(); 16].map(|()| {
                scope.spawn(|| {
                    together.wait();
                    file(&path, || Ok(secret().into_bytes())).expect("the secret")
                })
            });
            racing.map(|racer| racer.join().expect("no panic")).into()
        });
        assert!(read.iter().all(|one| *one == read[0] && one.len() == 32));
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1, "no half-made file stays behind");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = file(Path::new("nowhere/secret"), || Ok(Vec::new())).expect_err("no folder");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
