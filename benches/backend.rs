//! jsonwebtoken over AWS-LC, the backend that the server uses: sign and decode, once for each
//! algorithm. `benches/rust-crypto` asks the same of the other backend.

mod backend_group;

use backend_group::sign_and_decode;
use criterion::{Criterion, criterion_group, criterion_main};
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::keys::keygen::{Alg, make};

fn backend(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    for alg in [Alg::Hs256, Alg::Rs256, Alg::Es256, Alg::EdDsa] {
        let made = make(alg, "k1").expect("a key is made");
        let path = folder.path().join("key.json");
        std::fs::write(&path, made.private.to_string()).expect("the file is written");
        let source = KeySource {
            flag: "--keys",
            path,
            form: Form::Jwks,
        };
        let keys = source.read().expect("the file holds a key");
        let key = keys.signer().expect("it can sign");
        let encoding = key.encoding().expect("it can sign");
        sign_and_decode(
            criterion,
            "aws_lc_rs",
            key.algorithm(),
            encoding,
            key.decoding(),
        );
    }
}

criterion_group!(benches, backend);
criterion_main!(benches);
