//! `chassis-sim up`.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use chassis_sim::{Cloud, Seed, firmware::Image, machine::MachineSpec};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
};

use super::{Folder, http, manifest::Manifest};

/// Boots machines and serves what a relayer fetches.
#[derive(clap::Args)]
pub(super) struct Up {
    #[command(flatten)]
    folder: Folder,
    /// Machines, separated by commas: NAME, NAME=IMAGE, NAME@ZONE or NAME=IMAGE@ZONE. Images: reviewed, other-kernel,
    /// other-cmdline, other-initrd, distribution. The zone `basement` is nobody's data center.
    #[arg(long, value_delimiter = ',', default_value = "a,b")]
    machines: Vec<String>,
    /// Port on 127.0.0.1; any free one by default.
    #[arg(long, default_value_t = 0)]
    http: u16,
    /// What all keys but the TPMs' own grow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Up {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut signals = Signals::new()?;
        Manifest::remove(&self.folder.dir)?;
        let specs = self
            .machines
            .iter()
            .map(|text| machine_spec(text))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let cloud = Arc::new(Cloud::new(&self.folder.dir, Seed(self.seed))?);
        let listener = TcpListener::bind(("127.0.0.1", self.http))
            .await
            .with_context(|| format!("port {} is taken; choose another with --http", self.http))?;
        let address = listener.local_addr()?;

        // Machines are dropped, and so turned off, however this function ends.
        let booting = Arc::clone(&cloud);
        let boot = move || {
            specs
                .into_iter()
                .map(|spec| booting.boot(spec))
                .collect::<anyhow::Result<Vec<_>>>()
        };
        let machines = spawn_blocking(boot).await??;
        Manifest::of(&cloud, address, &machines).write(cloud.dir())?;
        for machine in &machines {
            tracing::info!(machine = machine.spec().name, tcti = machine.tcti(), "up");
        }
        tracing::info!(
            "serving http://{address}, described by {}",
            cloud.dir().join("sim.json").display()
        );

        let served = axum::serve(listener, http::router(Arc::clone(&cloud)))
            .with_graceful_shutdown(async move { signals.stop().await })
            .await;
        Manifest::remove(cloud.dir())?;
        tracing::info!("stopped");
        Ok(served?)
    }
}

/// `NAME[=IMAGE][@ZONE]`.
fn machine_spec(text: &str) -> anyhow::Result<MachineSpec> {
    let (rest, zone) = text
        .split_once('@')
        .map_or((text, None), |(rest, zone)| (rest, Some(zone)));
    let (name, image) = rest.split_once('=').unwrap_or((rest, "reviewed"));
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(valid) || Path::new(name).is_absolute() {
        bail!("machine `{text}`: the name is letters, digits, `-` and `_`");
    }
    let image = match image {
        "reviewed" => Image::reviewed(),
        "other-kernel" => Image::other_kernel(),
        "other-cmdline" => Image::other_cmdline(),
        "other-initrd" => Image::other_initrd(),
        "distribution" => Image::distribution(),
        other => bail!("machine `{text}`: there is no image `{other}`"),
    };
    let spec = MachineSpec::new(name).image(image);
    Ok(match zone {
        Some("basement") => spec.zone("basement").in_basement(),
        Some(zone) => spec.zone(zone),
        None => spec,
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on, a signal ends the program in order.
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis_sim::machine::Place;

    #[test]
    fn machines_are_named_with_image_and_zone() {
        let spec = machine_spec("a").unwrap();
        assert_eq!(
            (&*spec.name, &*spec.image.name, spec.place),
            ("a", "reviewed", Place::DataCenter)
        );
        let spec = machine_spec("b=other-kernel@europe-west4-b").unwrap();
        assert_eq!(
            (&*spec.image.name, &*spec.zone),
            ("other-kernel", "europe-west4-b")
        );
        assert_eq!(machine_spec("c@basement").unwrap().place, Place::Basement);
        for wrong in ["", "../a", "a=nothing", "a/b@zone"] {
            assert!(machine_spec(wrong).is_err(), "{wrong}");
        }
    }
}
