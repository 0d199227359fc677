//! What a policy says that cannot be meant.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{HostStack, Policy, Profile, Provider, Workload, tcb::is_advisory};
use crate::{Base64, CustodyLevel, ak::root_identity, claims::PinnedKey};

/// An expiry is floored to 64 s; what holds for less would have ended before it began.
const MIN_TTL: u32 = 64;
/// A week. A node that stops after attesting stays attested for so long.
const MAX_BINDING_TTL: u32 = 7 * 86_400;
/// Thirty days. So long a machine counts as in its data center after the provider struck it off.
const MAX_CUSTODY_TTL: u32 = 30 * 86_400;

/// One mistake, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// A path into the policy's TOML, as `workload[2].rtmr1`. Empty where the text is not TOML.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
    /// Its line in the policy's file, from 1; that of what should contain it, if it is missing. `None` where it could be
    /// anywhere.
    pub line: Option<usize>,
}

impl Mistake {
    pub(super) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
            line: None,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.problem)
    }
}

impl Policy {
    /// Everything that cannot be meant; empty for a good policy.
    pub(super) fn mistakes(&self) -> Vec<Mistake> {
        let mut list = List::default();
        if self.version != 1 {
            list.add("version", format!("{} is not supported, only 1 is", self.version));
        }
        for (key, seconds, most) in [
            ("binding_ttl", self.binding_ttl, MAX_BINDING_TTL),
            ("custody_ttl", self.custody_ttl, MAX_CUSTODY_TTL),
        ] {
            if !(MIN_TTL..=most).contains(&seconds) {
                list.add(key, format!("{seconds} s is not in {MIN_TTL} to {most}"));
            }
        }
        for (index, name) in self.tcb.rejected_advisories.iter().enumerate() {
            if !is_advisory(name) {
                list.add(
                    format!("tcb.rejected_advisories[{index}]"),
                    format!("`{name}` is no advisory's name: INTEL-SA- and five digits"),
                );
            }
        }
        if let Some(root) = &self.danger_intel_root {
            list.root("danger_intel_root", root);
        }
        self.provider_mistakes(&mut list);
        list.twice("workload", self.workloads.iter().map(|workload| &workload.name));
        for (index, workload) in self.workloads.iter().enumerate() {
            list.extend("workload", index, workload.mistakes());
        }
        list.twice("host", self.hosts.iter().map(|host| &host.name));
        for (index, host) in self.hosts.iter().enumerate() {
            list.extend("host", index, host.mistakes());
        }
        list.overlapping("workload", &self.workloads, Workload::overlaps);
        list.overlapping("host", &self.hosts, HostStack::overlaps);
        list.shared("alliance", "key", self.alliances.iter().map(|one| vec![one.key]));
        // One issuer may endorse several providers' machines, so which entry speaks follows from root and owner.
        let owners = self.poe_issuers.iter().map(|one| {
            let under = |root: [Vec<u8>; 2]| one.owners.iter().map(move |owner| (root.clone(), owner));
            identities(&one.roots).into_iter().flat_map(under).collect()
        });
        list.shared("poe_issuer", "owners", owners);
        for (index, issuer) in self.poe_issuers.iter().enumerate() {
            for (place, root) in issuer.roots.iter().enumerate() {
                list.root(format!("poe_issuer[{index}].roots[{place}]"), root);
            }
            if issuer.roots.is_empty() {
                list.add(format!("poe_issuer[{index}].roots"), "there are none");
            }
            if issuer.owners.is_empty() {
                list.add(format!("poe_issuer[{index}].owners"), "there are none");
            }
            match self.provider(issuer.provider) {
                None => {
                    let problem = format!("there is no provider {}", issuer.provider);
                    list.add(format!("poe_issuer[{index}].provider"), problem);
                }
                Some((at, provider)) if provider.ak_certificate_custody > CustodyLevel::None => {
                    let problem = format!(
                        "provider[{at}] has ak_certificate_custody, which must be none where its CPUs are endorsed"
                    );
                    list.add(format!("poe_issuer[{index}].provider"), problem);
                }
                Some(_) => {}
            }
        }
        list.0
    }

    fn provider_mistakes(&self, list: &mut List) {
        let mut ids = BTreeSet::new();
        for (index, provider) in self.providers.iter().enumerate() {
            if !(1..=127).contains(&provider.id) {
                let problem = format!("{} is not in 1 to 127", provider.id);
                list.add(format!("provider[{index}].id"), problem);
            }
            if !ids.insert(provider.id) {
                list.add(
                    format!("provider[{index}].id"),
                    format!("{} is used twice", provider.id),
                );
            }
            list.extend("provider", index, mistakes_of(provider));
            for (place, root) in provider.roots.iter().enumerate() {
                list.root(format!("provider[{index}].roots[{place}]"), root);
            }
        }
        let roots = self.providers.iter().map(|provider| identities(&provider.roots));
        list.shared("provider", "roots", roots);
        let keys = self.providers.iter().map(|provider| provider.registrars.iter());
        list.shared(
            "provider",
            "registrars",
            keys.map(|keys| keys.map(|der| &**der).collect()),
        );
    }
}

/// A root's renewal has another DER, and speaks for the same.
fn identities(roots: &[Base64]) -> Vec<[Vec<u8>; 2]> {
    roots.iter().filter_map(|der| root_identity(der).ok()).collect()
}

fn mistakes_of(provider: &Provider) -> Vec<(&'static str, String)> {
    let mut mistakes = contradictions(provider);
    let keys = provider.registrars.iter();
    mistakes.extend(keys.filter_map(|der| {
        let error = PinnedKey::from_spki(der).err()?;
        Some(("registrars", error.to_string()))
    }));
    let unnamed = provider
        .revoked_aks
        .iter()
        .filter(|name| !name.0.starts_with(&[0x00, 0x0b]));
    mistakes.extend(unnamed.map(|name| {
        let problem = format!(
            "`{}` is no key's SHA-256 name: those begin with 000b",
            hex::encode(name.0)
        );
        ("revoked_aks", problem)
    }));
    mistakes
}

fn contradictions(provider: &Provider) -> Vec<(&'static str, String)> {
    let bare_metal = provider.profile == Profile::BareMetal;
    let no_registrars = "takes back registrars' statements, and this provider has no registrars";
    [
        (
            provider.roots.is_empty() && (!bare_metal || provider.registrars.is_empty()),
            "roots",
            "there are none, so nothing of this provider can verify",
        ),
        (
            !bare_metal && !provider.registrars.is_empty(),
            "registrars",
            "only bare metal has registrars",
        ),
        (
            provider.host_registry && provider.ak_certificate_custody > CustodyLevel::None,
            "ak_certificate_custody",
            "must be none, for this provider publishes a host registry",
        ),
        (
            !provider.registrars.is_empty() && provider.ak_certificate_custody > CustodyLevel::None,
            "ak_certificate_custody",
            "must be none, for this provider has registrars",
        ),
        (
            provider.require_pzid && !(provider.host_registry && provider.profile == Profile::GoogleVtpm),
            "require_pzid",
            "a PZID counts only for a CPU in the host registry of a google-vtpm provider",
        ),
        (
            !provider.revoked_statements.is_empty() && provider.registrars.is_empty(),
            "revoked_statements",
            no_registrars,
        ),
        (
            !provider.revoked_eks.is_empty() && provider.registrars.is_empty(),
            "revoked_eks",
            no_registrars,
        ),
        (
            !provider.revoked_aks.is_empty() && !bare_metal,
            "revoked_aks",
            "only bare metal's keys are revoked by name: elsewhere their certificates are, by CRL",
        ),
    ]
    .into_iter()
    .filter(|(wrong, ..)| *wrong)
    .map(|(_, key, problem)| (key, problem.to_owned()))
    .collect()
}

#[derive(Default)]
struct List(Vec<Mistake>);

impl List {
    fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Mistake::new(path, problem));
    }

    fn extend(&mut self, section: &str, index: usize, mistakes: Vec<(&'static str, String)>) {
        for (key, problem) in mistakes {
            self.add(format!("{section}[{index}].{key}"), problem);
        }
    }

    /// One that cannot be read lets nothing verify, under no root.
    fn root(&mut self, path: impl Into<String>, der: &[u8]) {
        if let Err(problem) = root_identity(der) {
            self.add(path, format!("is no root certificate in DER: {problem}"));
        }
    }

    /// Which entry speaks follows from the key, so two entries must have none in common: the first would decide for both,
    /// and what the second takes back would not count.
    fn shared<K: Ord>(&mut self, section: &str, key: &str, entries: impl Iterator<Item = Vec<K>>) {
        let mut owners = BTreeMap::new();
        for (index, keys) in entries.enumerate() {
            let first = keys.iter().find_map(|key| owners.get(key).copied());
            if let Some(first) = first {
                let text = format!("{section}[{first}] has one of them too");
                self.add(format!("{section}[{index}].{key}"), text);
            }
            for key in keys {
                owners.entry(key).or_insert(index);
            }
        }
    }

    /// What a machine measures names its entry, so no machine may fit two: the first would decide for both.
    fn overlapping<T>(&mut self, section: &str, entries: &[T], overlap: impl Fn(&T, &T) -> bool) {
        for (index, entry) in entries.iter().enumerate() {
            let first = entries[..index]
                .iter()
                .position(|earlier| overlap(earlier, entry));
            if let Some(first) = first {
                let text = format!("{section}[{first}] accepts some of the same machines");
                self.add(format!("{section}[{index}]"), text);
            }
        }
    }

    fn twice<'a>(&mut self, section: &str, names: impl Iterator<Item = &'a String>) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                self.add(
                    format!("{section}[{index}].name"),
                    format!("`{name}` is there twice"),
                );
            }
        }
    }
}
