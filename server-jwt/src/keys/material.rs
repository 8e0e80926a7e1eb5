//! The key material in a JWK, type by type: long enough, a point of its curve, both halves of one
//! key. aws-lc-rs judges the mathematics; the limits are RFC 7518's.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents};
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey, RsaPublicKeyComponents,
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use serde_json::{Value, json};

use super::fault::KeyFault;
use super::jwk::{Jwk, exactly, member};

/// The RSA keys that are accepted, in bits (RFC 7518, section 3.3; the backend's limit above).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What a key is made of, once it was found to be in order.
pub(crate) struct Material {
    /// For checking signatures.
    pub(crate) decoding: DecodingKey,
    /// For signing, where the private half is there.
    pub(crate) encoding: Option<EncodingKey>,
    /// The algorithms that fit its type, curve and length.
    pub(crate) fits: Vec<Algorithm>,
    /// The members RFC 7638 defines the key by; `None` for a shared secret.
    pub(crate) public: Option<Value>,
    /// The octets its fingerprint is taken of.
    pub(crate) identity: Vec<u8>,
}

impl Material {
    /// Whether it is a secret that is too short for `algorithm`.
    pub(crate) fn too_short(&self, algorithm: Algorithm) -> bool {
        self.public.is_none()
            && algorithm.family() == AlgorithmFamily::Hmac
            && self.identity.len() < secret_bytes_min(algorithm)
    }

    /// Why it cannot be used with `algorithm`.
    pub(crate) fn unfit_for(&self, algorithm: Algorithm) -> KeyFault {
        if self.too_short(algorithm) {
            KeyFault::SecretLength {
                bytes: self.identity.len(),
                algorithm,
            }
        } else {
            KeyFault::Misfit(algorithm)
        }
    }
}

impl Jwk {
    pub(super) fn ec(&self, algorithm: Algorithm, length: usize) -> Result<Material, KeyFault> {
        let (signing, verifying) = match algorithm {
            Algorithm::ES256 => (
                &lc::ECDSA_P256_SHA256_FIXED_SIGNING,
                &lc::ECDSA_P256_SHA256_FIXED,
            ),
            _ => (
                &lc::ECDSA_P384_SHA384_FIXED_SIGNING,
                &lc::ECDSA_P384_SHA384_FIXED,
            ),
        };
        let x = exactly("x", self.x.as_deref(), length)?;
        let y = exactly("y", self.y.as_deref(), length)?;
        let point = [&[4][..], &x, &y].concat();
        ParsedPublicKey::new(verifying, &point).map_err(|_| KeyFault::NotOnCurve)?;
        let encoding = match &self.d {
            None => None,
            Some(d) => {
                let d = exactly("d", Some(d), length)?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, &d, &point)
                    .map_err(|_| KeyFault::Halves)?;
                let der = pair.to_pkcs8v1().map_err(|_| KeyFault::Halves)?;
                Some(EncodingKey::from_ec_der(der.as_ref()))
            }
        };
        let public = json!({ "crv": self.crv, "kty": "EC", "x": self.x, "y": self.y });
        Ok(Material {
            decoding: DecodingKey::from_ec_der(&point),
            encoding,
            fits: vec![algorithm],
            identity: public.to_string().into_bytes(),
            public: Some(public),
        })
    }

    pub(super) fn ed25519(&self) -> Result<Material, KeyFault> {
        let x = exactly("x", self.x.as_deref(), 32)?;
        ParsedPublicKey::new(&lc::ED25519, &x).map_err(|_| KeyFault::NotOnCurve)?;
        if has_small_order(&x) {
            return Err(KeyFault::SmallOrder);
        }
        let encoding = match &self.d {
            None => None,
            Some(d) => {
                let seed = exactly("d", Some(d), 32)?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &x)
                    .map_err(|_| KeyFault::Halves)?;
                let der = pair.to_pkcs8v1().map_err(|_| KeyFault::Halves)?;
                Some(EncodingKey::from_ed_der(der.as_ref()))
            }
        };
        let public = json!({ "crv": "Ed25519", "kty": "OKP", "x": self.x });
        Ok(Material {
            decoding: DecodingKey::from_ed_der(&x),
            encoding,
            fits: AlgorithmFamily::Ed.algorithms().to_vec(),
            identity: public.to_string().into_bytes(),
            public: Some(public),
        })
    }

    pub(super) fn rsa(&self) -> Result<Material, KeyFault> {
        let n = member("n", self.n.as_deref())?;
        let e = member("e", self.e.as_deref())?;
        let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyFault::RsaLength { bits });
        }
        // No leading zeros (RFC 7518, section 2), odd, and an exponent that hides something.
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let minimal = |number: &[u8]| number.first().is_some_and(|byte| *byte != 0);
        let usable = minimal(&n) && minimal(&e) && odd(&n) && odd(&e) && e != [1] && e.len() <= 4;
        let components = RsaPublicKeyComponents { n: &n, e: &e };
        if !usable
            || components
                .to_parsed_public_key(&lc::RSA_PKCS1_2048_8192_SHA256)
                .is_err()
        {
            return Err(KeyFault::NoRsaKey);
        }
        let encoding = match &self.d {
            None => None,
            Some(_) => Some(self.rsa_private(components)?),
        };
        let public = json!({ "e": self.e, "kty": "RSA", "n": self.n });
        Ok(Material {
            decoding: DecodingKey::from_rsa_raw_components(&n, &e),
            encoding,
            fits: AlgorithmFamily::Rsa.algorithms().to_vec(),
            identity: public.to_string().into_bytes(),
            public: Some(public),
        })
    }

    fn rsa_private(
        &self,
        public_key: RsaPublicKeyComponents<&Vec<u8>>,
    ) -> Result<EncodingKey, KeyFault> {
        if self.oth.is_some() {
            return Err(KeyFault::Unsupported(
                "RSA with more than two primes".to_owned(),
            ));
        }
        let pair = RsaKeyPair::from_components(&KeyPairComponents {
            public_key,
            d: member("d", self.d.as_deref())?,
            p: member("p", self.p.as_deref())?,
            q: member("q", self.q.as_deref())?,
            dP: member("dp", self.dp.as_deref())?,
            dQ: member("dq", self.dq.as_deref())?,
            qInv: member("qi", self.qi.as_deref())?,
        })
        .map_err(|_| KeyFault::Halves)?;
        let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyFault::Halves)?;
        let info =
            pkcs8::PrivateKeyInfoRef::try_from(document.as_ref()).map_err(|_| KeyFault::Halves)?;
        Ok(EncodingKey::from_rsa_der(info.private_key.as_bytes()))
    }
}

/// The two points of order eight, but for their sign.
const ORDER_8: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Whether eight times this point of Ed25519 is nothing. Then nothing, signed by nobody, is a
/// signature over at least an eighth of all messages.
fn has_small_order(x: &[u8]) -> bool {
    let mut y = [0; 32];
    y.copy_from_slice(x);
    // The highest bit is the sign of the other coordinate.
    y[31] &= 0x7f;
    let small = y[0] <= 1 && y[1..].iter().all(|octet| *octet == 0);
    // p - 1, and p and p + 1 for 0 and 1, which RFC 8032 does not allow to be written.
    let middle = y[1..31].iter().all(|octet| *octet == 0xff);
    let large = (0xec..=0xee).contains(&y[0]) && middle && y[31] == 0x7f;
    small || large || ORDER_8.contains(&y)
}

/// A shared secret, and the algorithms it is long enough for: at least the length of the hash
/// (RFC 7518, section 3.2).
pub(crate) fn secret(secret: Vec<u8>) -> Result<Material, KeyFault> {
    let fits: Vec<_> = AlgorithmFamily::Hmac
        .algorithms()
        .iter()
        .copied()
        .filter(|algorithm| secret.len() >= secret_bytes_min(*algorithm))
        .collect();
    if fits.is_empty() {
        return Err(KeyFault::SecretLength {
            bytes: secret.len(),
            algorithm: Algorithm::HS256,
        });
    }
    Ok(Material {
        decoding: DecodingKey::from_secret(&secret),
        encoding: Some(EncodingKey::from_secret(&secret)),
        fits,
        public: None,
        identity: secret,
    })
}

/// The shortest secret for an algorithm with HMAC, in bytes.
pub(crate) fn secret_bytes_min(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    }
}
