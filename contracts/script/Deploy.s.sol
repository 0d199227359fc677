// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ProofOfCloudRegistry} from "../src/ProofOfCloudRegistry.sol";
import {RegistryExtension} from "../src/RegistryExtension.sol";
import {IProofOfCloudRegistry} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {Script} from "forge-std/Script.sol";
import {console} from "forge-std/console.sol";

/// @title Deploy
/// @notice Deploys the registry. Reads its whole configuration from the environment; the key that pays comes from
/// forge's own options (`--private-key`, `--account`, `--unlocked`), never from here, and nothing secret is written.
///
/// | variable | meaning |
/// |---|---|
/// | `CHASSIS_RELAYERS` | relayer addresses, comma-separated, in the order of their indexes |
/// | `CHASSIS_THRESHOLD` | signatures a report needs |
/// | `CHASSIS_FREEZE_THRESHOLD` | relayer signatures that freeze; default: the threshold |
/// | `CHASSIS_GOVERNOR` | who submits what raises trust; best a multisig |
/// | `CHASSIS_GUARDIANS` | guardian addresses, comma-separated |
/// | `CHASSIS_POLICIES` | policy digests, comma-separated |
/// | `CHASSIS_PROVIDERS` | numbers of the providers admitted, comma-separated |
/// | `CHASSIS_MAX_TTL` | seconds; default 86400 |
/// | `CHASSIS_DELAY` | seconds a submission waits, but for a freeze's lift, which waits a day; default 3 days |
/// | `CHASSIS_RELAYER_SET_DELAY` | the same for a new relayer set; default 7 days |
/// | `CHASSIS_RELAYER_URLS` | where nodes send their evidence, comma-separated; for the file only; default: none |
/// | `CHASSIS_ARCHIVES` | where the digests' evidence can be fetched, comma-separated; likewise |
/// | `CHASSIS_DEPLOYMENT_OUT` | file to write, such as `deployments/31337.json`; default: print only. Tools read it as `CHASSIS_DEPLOYMENT` |
/// @dev Warning: forge runs this once before it sends anything, and that run writes the file. Keep the file only where
/// the transactions have succeeded.
contract Deploy is Script {
    function run() external returns (ProofOfCloudRegistry registry) {
        IProofOfCloudRegistry.Config memory config = readConfig();
        vm.startBroadcast();
        registry = deploy(config);
        vm.stopBroadcast();
        string memory json = describe(address(registry), config);
        console.log(json);
        string memory path = vm.envOr("CHASSIS_DEPLOYMENT_OUT", string(""));
        if (bytes(path).length != 0) vm.writeJson(json, path);
    }

    /// @notice Two transactions, of which the second alone makes a registry: there is no moment at which anybody holds more than the configuration gives.
    function deploy(IProofOfCloudRegistry.Config memory config) public returns (ProofOfCloudRegistry) {
        return new ProofOfCloudRegistry(config, new RegistryExtension());
    }

    /// @notice The configuration in the environment, with defaults filled in.
    function readConfig() public view returns (IProofOfCloudRegistry.Config memory config) {
        config.relayers = vm.envAddress("CHASSIS_RELAYERS", ",");
        config.threshold = _narrow(vm.envUint("CHASSIS_THRESHOLD"));
        config.freezeThreshold = _narrow(vm.envOr("CHASSIS_FREEZE_THRESHOLD", uint256(config.threshold)));
        config.governor = vm.envAddress("CHASSIS_GOVERNOR");
        config.guardians = vm.envAddress("CHASSIS_GUARDIANS", ",");
        uint256[] memory providers = vm.envUint("CHASSIS_PROVIDERS", ",");
        config.providers = new uint16[](providers.length);
        for (uint256 i; i < providers.length; ++i) {
            require(providers[i] <= 127, "CHASSIS_PROVIDERS: providers are numbered 1 to 127");
            config.providers[i] = uint16(providers[i]);
        }
        config.policies = vm.envBytes32("CHASSIS_POLICIES", ",");
        uint256 maxTtl = vm.envOr("CHASSIS_MAX_TTL", uint256(24 hours));
        require(maxTtl <= type(uint32).max, "CHASSIS_MAX_TTL is out of range");
        config.maxTtl = uint32(maxTtl);
        config.delay = _seconds("CHASSIS_DELAY", 3 days);
        config.relayerSetDelay = _seconds("CHASSIS_RELAYER_SET_DELAY", 7 days);
    }

    /// @notice What others need to know to use a deployment.
    function describe(address registry, IProofOfCloudRegistry.Config memory config)
        public
        returns (string memory json)
    {
        string memory key = "deployment";
        vm.serializeUint(key, "chainId", block.chainid);
        vm.serializeAddress(key, "registry", registry);
        vm.serializeAddress(key, "extension", ProofOfCloudRegistry(registry).EXTENSION());
        vm.serializeUint(key, "fromBlock", vm.getBlockNumber()); // no log of the registry lies before it
        vm.serializeUint(key, "relayerSetId", 1);
        vm.serializeAddress(key, "relayers", config.relayers);
        vm.serializeUint(key, "threshold", config.threshold);
        vm.serializeUint(key, "freezeThreshold", config.freezeThreshold);
        vm.serializeAddress(key, "governor", config.governor);
        vm.serializeAddress(key, "guardians", config.guardians);
        vm.serializeUint(key, "delay", config.delay);
        vm.serializeUint(key, "relayerSetDelay", config.relayerSetDelay);
        uint256[] memory providers = new uint256[](config.providers.length);
        for (uint256 i; i < providers.length; ++i) {
            providers[i] = config.providers[i];
        }
        vm.serializeUint(key, "providers", providers);
        vm.serializeBytes32(key, "policies", config.policies);
        vm.serializeString(key, "relayerUrls", vm.envOr("CHASSIS_RELAYER_URLS", ",", new string[](0)));
        vm.serializeString(key, "archives", vm.envOr("CHASSIS_ARCHIVES", ",", new string[](0)));
        return vm.serializeUint(key, "maxTtl", config.maxTtl);
    }

    function _seconds(string memory name, uint256 otherwise) private view returns (uint40) {
        uint256 value = vm.envOr(name, otherwise);
        require(value <= type(uint40).max, "a delay is out of range");
        return uint40(value);
    }

    function _narrow(uint256 value) private pure returns (uint8) {
        require(value <= type(uint8).max, "a threshold is out of range");
        return uint8(value);
    }
}
