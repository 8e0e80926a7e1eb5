//! `inspect`: a token taken apart, as on jwt.io, and whether its signature holds; or, with
//! `--verify-only`, nothing but a verdict a line. Both ask the function that the server asks,
//! [`crate::token::verify::signature`].

mod walk;

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use app::Reason;
use jsonwebtoken::Algorithm;

use crate::keys::KeyRing;
use crate::keys::fault::KeyFileError;
use crate::keys::file::{Form, KeySource};
use crate::token::verify::{self, Scratch};

/// What `inspect` is told.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// The token (default: read it from standard input, where no process list shows it)
    #[arg(conflicts_with = "verify_only")]
    pub token: Option<String>,

    /// Keys to check its signature with: a JWK or a JWK set
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    pub jwks: Option<PathBuf>,

    /// Or a shared secret: the file's raw bytes
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// Read one token a line and print one line for each: `accept` or `reject REASON`
    #[arg(long)]
    pub verify_only: bool,

    /// Allow only this algorithm; may be given more than once
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    pub alg: Vec<Algorithm>,
}

/// Inspects, and says with its exit code what it found: 0 for no complaint, 1 for a token whose
/// signature does not hold, 2 for keys that are refused. With `--verify-only` a verdict is no
/// complaint.
pub fn run(args: &Inspect) -> ExitCode {
    let keys = match keys(args) {
        Ok(keys) => keys,
        Err(error) => {
            eprintln!("inspect: {error}");
            return ExitCode::from(2);
        }
    };
    let outcome = match (args.verify_only, keys) {
        (true, Some(keys)) => verdicts(&keys),
        (true, None) => {
            eprintln!("inspect: --verify-only needs a key; add --jwks FILE or --secret-file FILE");
            return ExitCode::from(2);
        }
        (false, keys) => show(args.token.as_deref(), keys.as_ref()),
    };
    // Nobody reads on (a closed pipe), or nobody writes: either way there is no more to do.
    outcome.unwrap_or_else(|error| {
        eprintln!("inspect: {error}");
        ExitCode::FAILURE
    })
}

fn keys(args: &Inspect) -> Result<Option<KeyRing>, KeyFileError> {
    let (flag, path, form) = match (&args.jwks, &args.secret_file) {
        (Some(path), _) => ("--jwks", path, Form::Jwks),
        (None, Some(path)) => ("--secret-file", path, Form::Secret),
        (None, None) => return Ok(None),
    };
    let source = KeySource {
        flag,
        path: path.clone(),
        form,
    };
    source.read_foreign(&args.alg).map(Some)
}

fn show(token: Option<&str>, keys: Option<&KeyRing>) -> std::io::Result<ExitCode> {
    let mut read = String::new();
    let token = match token {
        Some(token) => token,
        None => {
            std::io::stdin().read_to_string(&mut read)?;
            &read
        }
    };
    // As it is often pasted, with a line's end or from a header.
    let token = token.trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (text, holds) = walk::walk(token, keys, now.as_secs());
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// One verdict for every line. Only the line's end is taken off: a token with white space
/// around it is not a token.
fn verdicts(keys: &KeyRing) -> std::io::Result<ExitCode> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let (mut line, mut scratch) = (Vec::new(), Scratch::default());
    while input.read_until(b'\n', &mut line)? > 0 {
        let token = line.strip_suffix(b"\n").unwrap_or(&line);
        match verdict(token, keys, &mut scratch) {
            Ok(()) => writeln!(output, "accept")?,
            Err(reason) => writeln!(output, "reject {}", reason.as_str())?,
        }
        line.clear();
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the token's form, header and signature are in order; `typ` and claims are not asked.
///
/// # Errors
/// Why they are not.
pub fn verdict(token: &[u8], keys: &KeyRing, scratch: &mut Scratch) -> Result<(), Reason> {
    verify::signature(token, keys, scratch).map(|_| ())
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    name.parse().map_err(|_| {
        "use HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA"
            .to_owned()
    })
}
