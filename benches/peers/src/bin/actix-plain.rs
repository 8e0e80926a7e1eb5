//! Peer: actix-web without any login, the floor under the actix peers. `/me` answers for anybody.

use std::sync::Arc;

use actix_web::error::ErrorUnauthorized;
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Parser as _;
use peers::actix_frame::{self, Frame};
use peers::{Credentials, Login, Me, Settings};

struct Peer {
    served_by: String,
    anybody: Login,
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let frame = Frame::new(&settings.served_by())?;
    let peer = Arc::new(Peer {
        anybody: Login {
            user: "load-00000".to_owned(),
            name: "nobody in particular".to_owned(),
            role: "member".to_owned(),
            since_ms: peers::now_ms(),
            login_instance: settings.served_by(),
        },
        served_by: settings.served_by(),
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
    Ok(HttpResponse::Ok().json(Me::new(&login, &peer.served_by)))
}

async fn me(peer: web::Data<Peer>) -> HttpResponse {
    HttpResponse::Ok().json(Me::new(&peer.anybody, &peer.served_by))
}
