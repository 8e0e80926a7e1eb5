//! Peer: actix-web with jsonwebtoken's `decode`, HS256, the keys and the validation built once.

use std::sync::Arc;

use actix_web::error::{ErrorInternalServerError, ErrorUnauthorized};
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use peers::actix_frame::{self, Frame};
use peers::{Credentials, LIFETIME, Login, Me, MeWithToken, Settings};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "peer";
const AUDIENCE: &str = "peer";

/// The claims that server-jwt signs, by its names.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    name: String,
    role: String,
    exp: u64,
    iat: u64,
    iat_ms: u64,
    jti: String,
    since_ms: u64,
    login_instance: String,
}

struct Peer {
    served_by: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let frame = Frame::new(&settings.served_by())?;
    let secret: [u8; 32] = rand::random();
    let mut validation = Validation::new(Algorithm::HS256);
    // The same checks as ours: no leeway, issuer and audience required, not-before if it is there.
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let peer = Arc::new(Peer {
        served_by: settings.served_by(),
        signing: EncodingKey::from_secret(&secret),
        verifying: DecodingKey::from_secret(&secret),
        validation,
    });
    let server = HttpServer::new(move || {
        let frame = frame.clone();
        App::new()
            .app_data(web::Data::from(Arc::clone(&peer)))
            .app_data(web::Data::new(frame.clone()))
            .wrap_fn(move |request, service| frame.around(request, service))
            .route("/login", web::post().to(log_in))
            .route("/me", web::get().to(me))
            .configure(actix_frame::routes)
    })
    .workers(actix_frame::WORKERS)
    .bind(settings.listen)?;
    settings.listening(server.addrs()[0]);
    Ok(server.run().await?)
}

async fn log_in(
    peer: web::Data<Peer>,
    credentials: web::Json<Credentials>,
) -> actix_web::Result<HttpResponse> {
    let login = credentials.into_inner().login(&peer.served_by);
    let login = login.ok_or_else(|| ErrorUnauthorized(""))?;
    let now = login.since_ms / 1000;
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: login.user.clone(),
        name: login.name.clone(),
        role: login.role.clone(),
        exp: now + LIFETIME.as_secs(),
        iat: now,
        iat_ms: login.since_ms,
        jti: uuid::Uuid::new_v4().to_string(),
        since_ms: login.since_ms,
        login_instance: login.login_instance.clone(),
    };
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k1".to_owned());
    let access_token = encode(&header, &claims, &peer.signing).map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(MeWithToken {
        me: Me::new(&login, &peer.served_by),
        access_token,
    }))
}

async fn me(peer: web::Data<Peer>, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    let token = bearer(request.headers().get(AUTHORIZATION));
    let token = token.ok_or_else(|| ErrorUnauthorized(""))?;
    let claims = decode::<Claims>(token, &peer.verifying, &peer.validation)
        .map_err(|_| ErrorUnauthorized(""))?
        .claims;
    let login = Login {
        user: claims.sub,
        name: claims.name,
        role: claims.role,
        since_ms: claims.since_ms,
        login_instance: claims.login_instance,
    };
    Ok(HttpResponse::Ok().json(Me::new(&login, &peer.served_by)))
}

fn bearer(header: Option<&HeaderValue>) -> Option<&str> {
    header?.to_str().ok()?.strip_prefix("Bearer ")
}
