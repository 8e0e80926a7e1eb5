//! `keygen`: a new key, as a JWK set that server-jwt reads.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::der::Decode as _;
use serde_json::{Value, json};

/// What `keygen` is told.
#[derive(Debug, clap::Args)]
pub struct Keygen {
    /// What the key is for
    #[arg(long, value_enum)]
    pub alg: Alg,

    /// Its name: tokens say with it which key they were signed with
    #[arg(long, value_name = "NAME")]
    pub kid: String,

    /// Where to write it, readable by this user alone (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Where to write its public half, for instances that only verify
    #[arg(long, value_name = "FILE")]
    pub public_out: Option<PathBuf>,
}

/// The algorithms that keys are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Alg {
    /// One secret signs and verifies
    #[value(name = "HS256")]
    Hs256,
    /// RSA with 2048 bits: slow to sign, quick to verify
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA on P-256
    #[value(name = "ES256")]
    Es256,
    /// Ed25519
    #[value(name = "EdDSA")]
    EdDsa,
}

/// A key just made.
pub struct Made {
    /// All of it, as a JWK set.
    pub private: Value,
    /// Its public half as a JWK set, where it has one.
    pub public: Option<Value>,
}

/// Makes a key and writes it.
pub fn run(args: &Keygen) -> ExitCode {
    match write(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server-jwt keygen: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn write(args: &Keygen) -> anyhow::Result<()> {
    if args.kid.is_empty() {
        bail!("--kid: the name is empty; give the key one, e.g. k1");
    }
    let made = make(args.alg, &args.kid)?;
    match (&args.public_out, &made.public) {
        (Some(_), None) => bail!(
            "--public-out: a shared secret has no public half; \
             use RS256, ES256 or EdDSA, or leave it out"
        ),
        (Some(path), Some(public)) => write_new("--public-out", path, public)?,
        (None, _) => {}
    }
    match &args.out {
        Some(path) => write_new("--out", path, &made.private),
        None => {
            println!("{:#}", made.private);
            Ok(())
        }
    }
}

/// Never over an existing file: that may be the only copy of a key in use.
fn write_new(flag: &str, path: &Path, jwks: &Value) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| writeln!(file, "{jwks:#}"))
        .with_context(|| {
            format!(
                "{flag} {}: choose a new file in a folder you may write to",
                path.display()
            )
        })
}

/// Makes a key for `alg` with the name `kid`.
///
/// # Errors
/// When the backend fails.
pub fn make(alg: Alg, kid: &str) -> anyhow::Result<Made> {
    let (name, public, private) = match alg {
        Alg::Hs256 => {
            let mut secret = [0; 32];
            aws_lc_rs::rand::fill(&mut secret)?;
            ("HS256", None, json!({ "kty": "oct", "k": text(&secret) }))
        }
        Alg::Rs256 => {
            let (public, private) = rsa()?;
            ("RS256", Some(public), private)
        }
        Alg::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
            let public = json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) });
            let secret: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes()?;
            ("ES256", Some(public), json!({ "d": text(secret.as_ref()) }))
        }
        Alg::EdDsa => {
            let pair = Ed25519KeyPair::generate()?;
            let x = text(pair.public_key().as_ref());
            let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
            let seed = pair.seed()?.as_be_bytes()?;
            ("EdDSA", Some(public), json!({ "d": text(seed.as_ref()) }))
        }
    };
    let jwks = |members: Value, ops: Value| {
        let mut jwk = json!({ "kid": kid, "alg": name, "key_ops": ops });
        merge(&mut jwk, members);
        json!({ "keys": [jwk] })
    };
    let mut all = public.clone().unwrap_or_else(|| json!({}));
    merge(&mut all, private);
    Ok(Made {
        private: jwks(all, json!(["sign", "verify"])),
        public: public.map(|public| jwks(public, json!(["verify"]))),
    })
}

/// An RSA key's members: the public ones and the private ones (RFC 7518, section 6.3).
fn rsa() -> anyhow::Result<(Value, Value)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let document: Pkcs8V1Der<'_> = pair.as_der()?;
    let info = pkcs8::PrivateKeyInfoRef::from_der(document.as_ref())?;
    let key = pkcs1::RsaPrivateKeyRef::from_der(info.private_key.as_bytes())?;
    let number = |number: pkcs8::der::asn1::UintRef<'_>| text(number.as_bytes());
    let public = json!({
        "kty": "RSA", "n": number(key.modulus), "e": number(key.public_exponent),
    });
    let private = json!({
        "d": number(key.private_exponent), "p": number(key.prime1), "q": number(key.prime2),
        "dp": number(key.exponent1), "dq": number(key.exponent2), "qi": number(key.coefficient),
    });
    Ok((public, private))
}

fn merge(into: &mut Value, members: Value) {
    if let (Value::Object(into), Value::Object(members)) = (into, members) {
        into.extend(members);
    }
}

fn text(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}
