#!/usr/bin/env node
// Asks a registry about operators, with viem. Prints one JSON line each; exits 1 unless all of them are attested.
//
//   ETH_RPC_URL=https://… REGISTRY=0x… node query.mjs 0xOperator…
//
// To copy: needs `viem` and `chassis-contracts`.
import { createRequire } from "node:module";
import { BaseError, ContractFunctionRevertedError, createPublicClient, getAddress, http } from "viem";

const abi = createRequire(import.meta.url)("chassis-contracts/abi/IProofOfCloudRegistry.json");

// The enums of the interface, in its order.
const STATUS = ["Unknown", "Active", "Expired", "Frozen", "Revoked", "Deregistered", "Paused"];
const DENIAL = [
  "None", "Paused", "Unknown", "Frozen", "Revoked", "Deregistered", "ProviderFrozen", "Expired", "ExpiryTooFar",
  "Binding", "Custody", "Tcb", "TeeClass", "Provider", "KeyNotInTd", "Age", "Continuity", "Workload",
];

// What `isAttested(operator)` asks for, and a key that only the program has: whoever holds it outside can sign anything.
// Zero means "don't care", so leave out nothing that you do care about: set `workload` to the one program you rely on.
const requirement = {
  minBinding: 2,
  minCustody: 1,
  maxTcb: 1,
  teeClasses: 0,
  maxAge: 0,
  minContinuity: 0,
  requireKeyInTd: true,
  workload: process.env.WORKLOAD ?? `0x${"00".repeat(32)}`,
  provider: 0,
};

const { ETH_RPC_URL, REGISTRY } = process.env;
const operators = process.argv.slice(2);
if (!ETH_RPC_URL || !REGISTRY || operators.length === 0) {
  console.error("usage: ETH_RPC_URL=… REGISTRY=0x… node query.mjs OPERATOR…");
  process.exit(2);
}

const client = createPublicClient({ transport: http(ETH_RPC_URL) });
// One block for all answers: asked one by one they could be of different moments.
const blockNumber = await client.getBlockNumber();
const ask = (functionName, ...args) =>
  client.readContract({ address: getAddress(REGISTRY), abi, functionName, args, blockNumber });

for (const operator of operators.map((text) => getAddress(text))) {
  const denial = await denialOf(operator);
  const attestation = await ask("attestationOf", operator);
  if (denial !== "None") process.exitCode = 1;
  console.log(
    JSON.stringify({
      operator,
      attested: denial === "None",
      denial,
      status: STATUS[attestation.status],
      expiry: new Date(attestation.expiry * 1000).toISOString(),
      platform: attestation.platformId,
      workload: attestation.workloadId,
      block: blockNumber.toString(),
    }),
  );
}
console.error(`distinct platforms: ${await ask("distinctPlatforms", operators.map((text) => getAddress(text)))}`);

// `requireAttested` says no by reverting with the reason. Any other failure is no answer, and is not taken for one.
async function denialOf(operator) {
  try {
    await ask("requireAttested", operator, requirement);
    return "None";
  } catch (error) {
    const revert = error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError);
    if (revert && revert.data?.errorName === "NotAttested") return DENIAL[revert.data.args[1]];
    throw error;
  }
}
