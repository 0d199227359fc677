//! What `doctor` says of a chain's endpoint.

use serde_json::{Value, json};

use crate::{
    cli::{Node, run},
    servers::{Chain, Lack},
};

async fn logs(node: &Node, chain: &Chain) -> Value {
    let mut command = node.command("doctor", &chain.url);
    command.arg("--json");
    let (_, stdout, stderr) = run(command).await;
    let answer: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let findings = answer["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["id"] == "rpc.logs");
    finding.unwrap().clone()
}

#[tokio::test]
async fn an_endpoint_without_logs_is_told_of() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let finding = logs(&node, &chain).await;
    assert_eq!(finding["outcome"], json!("ok"), "{finding}");
    chain.lack(Lack::Logs);
    let finding = logs(&node, &chain).await;
    assert_eq!(finding["outcome"], json!("missing"), "{finding}");
    assert!(
        finding.to_string().contains("use an endpoint that gives logs"),
        "{finding}"
    );
}

/// A node's environment may say that it is not on Azure.
#[tokio::test]
async fn azure_and_a_host_exclude_each_other_only_where_both_are_wanted() {
    let (node, chain) = (Node::new(), Chain::start().await);
    for (azure, wanted, says) in [
        ("false", 3, "host.agent"),
        ("true", 2, "name two TPMs; leave one out"),
    ] {
        let mut command = node.command("doctor", &chain.url);
        command
            .env("CHASSIS_AZURE", azure)
            .args(["--host", "unix:/no-such-agent"]);
        let (code, stdout, stderr) = run(command).await;
        assert_eq!(code, wanted, "{stdout}{stderr}");
        assert!(format!("{stdout}{stderr}").contains(says), "{stdout}{stderr}");
    }
}
