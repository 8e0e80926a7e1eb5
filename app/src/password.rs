//! Password checks with argon2id, on threads of their own behind a bound.
//!
//! A check costs tens of milliseconds and 19 MiB. On the threads that serve requests it would
//! stall every `/me`; without a bound a herd of logins would take all memory. So: a fixed number
//! of threads at the lowest priority, a short queue, and a clear "no" when it is full. The
//! permit to compute *is* the thread, so a client that gives up does not free it early.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::oneshot;

use crate::problem::{Problem, Reason};

pub use argon2::password_hash::Error as HashError;

/// Memory of one hash, KiB: OWASP's minimum for argon2id (19 MiB with two passes, one lane).
pub const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// How many checks may wait for each thread before `/login` answers 503.
pub const WAITING_PER_THREAD: usize = 32;

/// Hashes a password with a fresh random salt, as a PHC string. Blocks for tens of milliseconds.
///
/// # Errors
/// When the system gives no randomness.
pub fn hash(password: &str) -> Result<String, HashError> {
    Ok(argon2()?.hash_password(password.as_bytes())?.to_string())
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| HashError::ParamsInvalid)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn verify(password: &str, hash: &str) -> bool {
    argon2().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), hash).is_ok())
}

/// The threads that check and make password hashes.
#[derive(Debug, Clone)]
pub struct Hasher {
    jobs: SyncSender<Job>,
    /// What an unknown user's password is checked against, so that it takes the same time.
    nobodys_hash: Arc<str>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Hasher {
    /// Starts `threads` threads; they end when the last clone of the hasher is dropped.
    ///
    /// # Errors
    /// When a thread cannot be started or the system gives no randomness.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel::<Job>(threads * WAITING_PER_THREAD);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..threads {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("password-{n}"))
                .spawn(move || {
                    yield_to_requests();
                    while let Some(job) = next(&waiting) {
                        job();
                    }
                })?;
        }
        let nobodys_hash = hash("nobody has this password").map_err(std::io::Error::other)?;
        Ok(Self {
            jobs,
            nobodys_hash: nobodys_hash.into(),
        })
    }

    /// Whether `password` matches `hash`; without a hash (an unknown user) it takes as long and
    /// answers no.
    ///
    /// # Errors
    /// [`Reason::Overloaded`] when the queue is full.
    pub async fn check(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobodys_hash.to_string());
        Ok(self.run(move || verify(&password, &hash)).await? && known)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Reason::Overloaded`] when the queue is full.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        self.run(move || hash(&password)).await?.map_err(|error| {
            tracing::error!(%error, "cannot hash a password");
            Problem::from(Reason::Internal)
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits any more: the client gave up while this stood in the queue.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Problem::from(Reason::Overloaded),
            TrySendError::Disconnected(_) => Problem::from(Reason::Internal),
        })?;
        result.await.map_err(|_| Problem::from(Reason::Internal))
    }
}

fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

/// Nice 19: on a busy core, requests of people who are logged in go first.
fn yield_to_requests() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19) {
        tracing::debug!(%error, "password threads keep their priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let hasher = Hasher::start(1).unwrap();
        let checks: Vec<_> = (0..WAITING_PER_THREAD * 2)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.check("x".to_owned(), None).await })
            })
            .collect();
        let mut refused = 0;
        for check in checks {
            match check.await.unwrap() {
                Ok(matches) => assert!(!matches),
                Err(problem) => {
                    assert_eq!(problem.reason(), Reason::Overloaded);
                    refused += 1;
                }
            }
        }
        // One may have been taken from the queue already; the rest of the surplus is refused.
        assert!(
            (WAITING_PER_THREAD - 1..=WAITING_PER_THREAD).contains(&refused),
            "{refused}"
        );
        assert!(!hasher.check("x".to_owned(), None).await.unwrap());
    }

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let hasher = Hasher::start(1).unwrap();
        let hash = hasher.hash("right".to_owned()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            hasher
                .check("right".to_owned(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!hasher.check("wrong".to_owned(), Some(hash)).await.unwrap());
    }

    #[test]
    fn the_load_users_hash_is_that_of_their_password() {
        assert!(verify(
            crate::users::LOAD_PASSWORD,
            crate::users::LOAD_PASSWORD_HASH
        ));
    }
}
