//! Peer: actix-web with actix-session over Redis, with its defaults but for the cookie's name, the
//! lifetime, and Secure, which plain HTTP cannot have.
//!
//! Without `--renew` a read renews nothing, which is its default, and costs one GET; with it, a GET
//! and an EXPIRE.

use std::sync::Arc;

use actix_session::config::{BrowserSession, TtlExtensionPolicy};
use actix_session::storage::RedisSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::error::{ErrorServiceUnavailable, ErrorUnauthorized};
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Parser as _;
use peers::actix_frame::{self, Frame};
use peers::{Credentials, LIFETIME, Login, Me, Settings};

const LOGIN: &str = "login";

struct Peer {
    served_by: String,
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let frame = Frame::new(&settings.served_by())?;
    let store = RedisSessionStore::builder(&settings.redis_url)
        .cache_keygen(|id| format!("peer:{id}"))
        .build()
        .await?;
    let key = Key::generate();
    let renewed = if settings.renew {
        TtlExtensionPolicy::OnEveryRequest
    } else {
        TtlExtensionPolicy::OnStateChanges
    };
    let lifetime = BrowserSession::default()
        .state_ttl(actix_web::cookie::time::Duration::try_from(LIFETIME)?)
        .state_ttl_extension_policy(renewed);
    let peer = Arc::new(Peer {
        served_by: settings.served_by(),
    });
    let server = HttpServer::new(move || {
        let frame = frame.clone();
        let sessions = SessionMiddleware::builder(store.clone(), key.clone())
            .cookie_name("sid-peer".to_owned())
            .cookie_secure(false)
            .session_lifecycle(lifetime.clone())
            .build();
        App::new()
            .app_data(web::Data::from(Arc::clone(&peer)))
            .app_data(web::Data::new(frame.clone()))
            .wrap(sessions)
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
    session: Session,
    credentials: web::Json<Credentials>,
) -> actix_web::Result<HttpResponse> {
    let login = credentials.into_inner().login(&peer.served_by);
    let login = login.ok_or_else(|| ErrorUnauthorized(""))?;
    session
        .insert(LOGIN, &login)
        .map_err(ErrorServiceUnavailable)?;
    session.renew();
    Ok(HttpResponse::Ok().json(Me::new(&login, &peer.served_by)))
}

async fn me(peer: web::Data<Peer>, session: Session) -> actix_web::Result<HttpResponse> {
    let login: Option<Login> = session.get(LOGIN).map_err(ErrorServiceUnavailable)?;
    let login = login.ok_or_else(|| ErrorUnauthorized(""))?;
    Ok(HttpResponse::Ok().json(Me::new(&login, &peer.served_by)))
}
