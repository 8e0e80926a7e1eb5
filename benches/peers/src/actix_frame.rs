//! The frame of the actix-web peers: checks, headers and counter around the routes, on one worker
//! thread. actix-web's own defaults already close a slow header and an idle connection after 5 s.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{Error, HttpResponse, web};

use crate::request_count::RequestCount;
use crate::request_form;

/// Worker threads of a peer.
pub const WORKERS: usize = 1;

/// What the frame of one peer holds.
#[derive(Clone)]
pub struct Frame {
    count: Arc<RequestCount>,
    served_by: HeaderValue,
}

impl Frame {
    /// The frame of a peer that calls itself `served_by`.
    ///
    /// # Errors
    /// When the name cannot stand in a header.
    pub fn new(served_by: &str) -> anyhow::Result<Self> {
        Ok(Self {
            count: Arc::default(),
            served_by: HeaderValue::from_str(served_by)?,
        })
    }

    /// To be wrapped around an `App` with `wrap_fn`, which boxes nothing.
    pub fn around<S, B>(
        &self,
        request: ServiceRequest,
        service: &S,
    ) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let frame = self.clone();
        let route = RequestCount::route(request.path());
        let headers = request.headers().iter();
        let admitted =
            request_form::admit(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
        let answer = match admitted {
            Ok(()) => Ok(service.call(request)),
            Err(refusal) => Err((request, refusal)),
        };
        async move {
            let mut response = match answer {
                Ok(answer) => answer.await?.map_into_boxed_body(),
                Err((request, refusal)) => {
                    let status = StatusCode::from_u16(refusal.status()).expect("both are statuses");
                    request.into_response(HttpResponse::new(status))
                }
            };
            let headers = response.headers_mut();
            headers.insert(HeaderName::from_static("x-served-by"), frame.served_by);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            frame.count.count(route, response.status().as_u16());
            Ok(response)
        }
    }
}

/// The routes that every peer has: metrics and readiness.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/metrics", web::get().to(metrics))
        .route("/readyz", web::get().to(async || "{}"));
}

async fn metrics(frame: web::Data<Frame>) -> String {
    frame.count.render()
}
