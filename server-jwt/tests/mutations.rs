//! Mutated tokens: the loop that a fuzzer would run, with a seed, on any toolchain.
//! `MUTATIONS=100000000 cargo test --release -p server-jwt --test mutations -- --nocapture` runs so
//! many.

#[path = "../../server-session/tests/support/mutation.rs"]
mod mutation;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mutation::Mutations;
use server_jwt::trial::Trial;

/// A trial, and mutations of its tokens.
struct Run {
    trial: Trial,
    mutations: Mutations,
    bytes: Vec<u8>,
}

impl Run {
    /// `seeds` makes what is mutated of a token that was issued.
    fn new(seed: u64, seeds: impl Fn(&str) -> Vec<String>) -> Self {
        let trial = Trial::new();
        let mut all = Vec::new();
        for token in trial.seeds() {
            let text = String::from_utf8(token).expect("a token is text");
            all.extend(seeds(&text).into_iter().map(String::into_bytes));
        }
        Self {
            trial,
            mutations: Mutations::new(seed, all),
            bytes: Vec::new(),
        }
    }
}

#[test]
fn no_mutated_token_lets_anybody_in() {
    let begin = |seed| Run::new(seed, |token| vec![token.to_owned()]);
    mutation::run("tokens", begin, |run| {
        run.mutations.next(&mut run.bytes);
        if run.mutations.lot(2) == 0 {
            edit_a_part(&mut run.mutations, &mut run.bytes);
        }
        // What it holds is asserted in there.
        let _ = run.trial.token(&run.bytes);
    });
}

#[test]
fn no_mutated_header_lets_anybody_in() {
    let both_ways = |token: &str| {
        let cookie = format!("theme=dark; sid-jwt={token}; lang=en");
        vec![format!("Bearer {token}"), cookie]
    };
    let begin = |seed| Run::new(seed, both_ways);
    mutation::run("header values", begin, |run| {
        run.mutations.next(&mut run.bytes);
        run.trial.field(&run.bytes);
    });
}

/// The trial itself can tell: what was issued is let in, in both ways, and nothing else is.
#[test]
fn what_was_issued_is_let_in() {
    let mut trial = Trial::new();
    let verdicts: Vec<_> = trial
        .seeds()
        .iter()
        .map(|seed| trial.token(seed).is_ok())
        .collect();
    let let_in = verdicts.iter().filter(|verdict| **verdict).count();
    assert_eq!((let_in, verdicts.len()), (3, 13));
    let token = String::from_utf8(trial.seeds().swap_remove(0)).expect("a token is text");
    assert!(trial.field(format!("bearer {token}").as_bytes()));
    assert!(trial.field(format!("a=b; sid-jwt={token}").as_bytes()));
    assert!(!trial.field(format!("sid-jwt={token}; sid-jwt={token}").as_bytes()));
}

/// Decodes one part, edits what is in it, and encodes it again: what a mutation of the letters
/// hardly ever gets to.
fn edit_a_part(mutations: &mut Mutations, token: &mut Vec<u8>) {
    let mut parts: Vec<Vec<u8>> = token
        .split(|byte| *byte == b'.')
        .map(<[u8]>::to_vec)
        .collect();
    let chosen = mutations.lot(parts.len());
    if let Ok(mut decoded) = URL_SAFE_NO_PAD.decode(&parts[chosen]) {
        mutations.edit(&mut decoded);
        parts[chosen] = URL_SAFE_NO_PAD.encode(decoded).into_bytes();
    }
    *token = parts.join(&b'.');
}

/// The corpus that a fuzzer begins with has every kind of them.
#[test]
fn the_fuzzers_corpus_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/token");
    let mut trial = Trial::new();
    let mut let_in = 0;
    for entry in std::fs::read_dir(folder).expect("the seeds are there") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("it is read");
        let_in += usize::from(trial.token(&bytes).is_ok());
    }
    assert_eq!(
        let_in, 2,
        "HS256 and EdDSA have the same signature each time"
    );
}
