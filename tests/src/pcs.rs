//! A stand-in for Intel's Provisioning Certification Service, which serves the simulated Intel in the shape of the real
//! one, and misbehaves when told to.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Response, StatusCode, Uri, header},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpListener;

use crate::Cloud;

/// Intel's answer to a request by path and query. `None`: there is no such thing.
pub fn answer(cloud: &Cloud, path: &str, query: &str) -> Option<Response<Body>> {
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    };
    let (service, what) = path.strip_prefix('/')?.split_once("/certification/v4/")?;
    // Only TCB info depends on the platform.
    let collateral = |fmspc| cloud.collateral(fmspc);
    match (service, what) {
        ("sgx", "pckcrl") => {
            let collateral = collateral([0; 6]);
            let chain = ("SGX-PCK-CRL-Issuer-Chain", collateral.pck_crl_issuer_chain);
            (parameter("encoding")? == "der").then(|| response(collateral.pck_crl, Some(chain)))
        }
        // Hex, as a PCCS has it.
        ("sgx", "rootcacrl") => Some(response(hex::encode(collateral([0; 6]).root_ca_crl), None)),
        ("tdx", "tcb") => {
            let mut fmspc = [0; 6];
            hex::decode_to_slice(parameter("fmspc")?, &mut fmspc).ok()?;
            let collateral = collateral(fmspc);
            let signature = hex::encode(collateral.tcb_info_signature);
            let body = format!(
                r#"{{"tcbInfo":{},"signature":"{signature}"}}"#,
                collateral.tcb_info
            );
            Some(response(
                body,
                Some(("TCB-Info-Issuer-Chain", collateral.tcb_info_issuer_chain)),
            ))
        }
        ("tdx", "qe/identity") => {
            let collateral = collateral([0; 6]);
            let signature = hex::encode(collateral.qe_identity_signature);
            let body = format!(
                r#"{{"enclaveIdentity":{},"signature":"{signature}"}}"#,
                collateral.qe_identity
            );
            let chain = (
                "SGX-Enclave-Identity-Issuer-Chain",
                collateral.qe_identity_issuer_chain,
            );
            Some(response(body, Some(chain)))
        }
        _ => None,
    }
}

fn response(body: impl Into<Body>, chain: Option<(&str, String)>) -> Response<Body> {
    let mut response = Response::new(body.into());
    if let Some((name, pem)) = chain {
        let encoded = utf8_percent_encode(&pem, NON_ALPHANUMERIC).to_string();
        let name = header::HeaderName::try_from(name).expect("a literal");
        let value = header::HeaderValue::try_from(encoded).expect("letters, digits and %");
        response.headers_mut().insert(name, value);
    }
    response
}

/// How a server goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It answers after this.
    Slow(Duration),
    /// It answers this status, and nothing else.
    Status(u16),
    /// It sends the client elsewhere.
    Redirect(String),
    /// It answers this.
    Says(Vec<u8>),
    /// It answers what it should, but for one bit near the end: where signatures are.
    Forged,
    /// It answers as if asked for another path and query.
    As(String),
}

/// The stand-in, on a free port of loopback for as long as the runtime lives. It serves the provider too.
#[derive(Clone, Debug)]
pub struct Pcs {
    cloud: Arc<Cloud>,
    address: SocketAddr,
    faults: Arc<Mutex<BTreeMap<String, Fault>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Pcs {
    /// Serves `cloud`.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn serve(cloud: Arc<Cloud>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let pcs = Self {
            cloud,
            address: listener.local_addr()?,
            faults: Arc::default(),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(handle).with_state(pcs.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(pcs)
    }

    /// Where it listens: `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, paths that contain `part` go wrong.
    pub fn break_path(&self, part: &str, fault: Fault) {
        lock(&self.faults).insert(part.to_owned(), fault);
    }

    /// All goes well again.
    pub fn mend(&self) {
        lock(&self.faults).clear();
    }

    /// What it was asked for since the last call, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.asked))
    }

    fn answer(&self, target: &str) -> Response<Body> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let cloud = &self.cloud;
        let response = answer(cloud, path, query).or_else(|| {
            let (what, name) = path.strip_prefix('/')?.split_once('/')?;
            match what {
                "host-registry" => {
                    let mut ppid = [0; 16];
                    hex::decode_to_slice(name, &mut ppid).ok()?;
                    let claim = cloud.host_registry_claim(ppid)?;
                    Some(response(serde_json::to_vec(&claim).ok()?, None))
                }
                "collateral" => {
                    let mut fmspc = [0; 6];
                    hex::decode_to_slice(name, &mut fmspc).ok()?;
                    Some(response(cloud.collateral_json(fmspc), None))
                }
                "crls" => {
                    let crls = cloud.provider_crls();
                    let crl = crls.get(name.parse::<usize>().ok()?)?;
                    Some(response(crl.to_vec(), None))
                }
                _ => None,
            }
        });
        response.unwrap_or_else(|| status(StatusCode::NOT_FOUND))
    }
}

async fn handle(State(pcs): State<Pcs>, uri: Uri) -> Response<Body> {
    let target = uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    lock(&pcs.asked).push(target.clone());
    let fault = {
        let faults = lock(&pcs.faults);
        let fault = faults.iter().find(|(part, _)| target.contains(part.as_str()));
        fault.map(|(_, fault)| fault.clone())
    };
    match fault {
        None => pcs.answer(&target),
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            pcs.answer(&target)
        }
        Some(Fault::Status(number)) => status(StatusCode::from_u16(number).unwrap_or_default()),
        Some(Fault::Redirect(to)) => {
            let mut response = status(StatusCode::FOUND);
            let to = header::HeaderValue::try_from(to).expect("a URL");
            response.headers_mut().insert(header::LOCATION, to);
            response
        }
        Some(Fault::Says(body)) => response(body, None),
        Some(Fault::Forged) => forged(pcs.answer(&target)).await,
        Some(Fault::As(other)) => pcs.answer(&other),
    }
}

async fn forged(response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let mut body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default()
        .to_vec();
    // Of JSON, the signature's last digit but one; of DER, also in hex, the signature's last bytes. A digit stays one.
    if let Some(at) = body.len().checked_sub(4) {
        body[at] = if body[at] == b'0' { b'1' } else { b'0' };
    }
    Response::from_parts(parts, body.into())
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Nothing here can be left half-done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
