// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Deploy} from "../script/Deploy.s.sol";
import {ProofOfCloudRegistry} from "../src/ProofOfCloudRegistry.sol";
import {RegistryExtension} from "../src/RegistryExtension.sol";
import {IProofOfCloudGovernance} from "../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {RegistryTest} from "./utils/RegistryTest.sol";

/// @notice The constructor, and the script that fills it in.
contract ConfigTest is RegistryTest {
    function _expectRefusal(I.Config memory config) private {
        RegistryExtension extension = new RegistryExtension();
        vm.expectRevert(I.InvalidConfig.selector);
        new ProofOfCloudRegistry(config, extension);
    }

    function test_storesItsConfiguration() public view {
        I.Config memory config = _config();
        I.RelayerSet memory set = registry.relayerSet(1);
        assertEq(abi.encode(set.members), abi.encode(config.relayers));
        assertEq(set.threshold, THRESHOLD);
        assertEq(set.freezeThreshold, 2);
        assertEq(set.disabled, 0);
        assertEq(set.retiredAt, 0);
        assertEq(registry.relayerSet(2).members.length, 0);
        assertTrue(registry.policyInForce(POLICY));
        assertEq(registry.MAX_TTL(), TTL);
        I.ControlState memory c = registry.control();
        assertEq(c.relayerSetId, 1);
        assertEq(c.nextLane, 8);
        assertEq(c.nextBatch, 0);
        assertFalse(c.paused);
        assertEq(c.frozenProviders, ~(uint128(1) << PROVIDER));
        assertEq(governance.governor(), governor);
        assertEq(governance.delayOf(IProofOfCloudGovernance.unpause.selector), 3 days);
        assertEq(governance.delayOf(IProofOfCloudGovernance.liftFreeze.selector), 1 days);
        assertEq(governance.delayOf(IProofOfCloudGovernance.rotateRelayers.selector), 7 days);
        assertEq(governance.delayOf(IProofOfCloudGovernance.removeGuardian.selector), 7 days);
        assertNotEq(registry.head(), 0);
    }

    function test_refusesAnExtensionWithoutCode() public {
        I.Config memory config = _config();
        vm.expectRevert(I.InvalidConfig.selector);
        new ProofOfCloudRegistry(config, RegistryExtension(makeAddr("nobody")));
    }

    /// @notice The longest configuration there is can be deployed (EIP-3860); forge itself does not look.
    function test_theLongestConfigurationFits() public view {
        I.Config memory config = _config();
        config.relayers = new address[](32);
        config.guardians = new address[](15);
        config.policies = new bytes32[](32);
        config.providers = new uint16[](127);
        bytes memory arguments = abi.encode(config, address(0));
        bytes memory creation = vm.getCode("ProofOfCloudRegistry.sol:ProofOfCloudRegistry");
        assertLe(creation.length + arguments.length, 49_152);
    }

    function test_takes32Relayers() public {
        I.Config memory config = _config();
        config.relayers = new address[](32);
        for (uint256 i; i < 32; ++i) {
            config.relayers[i] = vm.addr(_key(i));
        }
        config.threshold = 32;
        registry = _deploy(config);
        I.Report memory report = _report();
        _addPlatform(report, _platformEntry(PLATFORM));
        registry.post(report, type(uint32).max, _sign(registry.hashReport(report), type(uint32).max));
        assertEq(registry.platform(PLATFORM).index, 1);
    }

    function test_refusesABadRelayerSet() public {
        I.Config memory config = _config();
        config.relayers = new address[](0);
        _expectRefusal(config);
        config.relayers = new address[](33);
        for (uint256 i; i < 33; ++i) {
            config.relayers[i] = address(uint160(i + 1));
        }
        _expectRefusal(config);
        config = _config();
        config.relayers[3] = config.relayers[1];
        _expectRefusal(config);
        config = _config();
        config.relayers[3] = address(0);
        _expectRefusal(config);
    }

    function test_refusesThresholdsThatCannotBeMet() public {
        I.Config memory config = _config();
        config.threshold = 0;
        _expectRefusal(config);
        config.threshold = 6;
        _expectRefusal(config);
        config = _config();
        config.freezeThreshold = 0;
        _expectRefusal(config);
        config.freezeThreshold = 6;
        _expectRefusal(config);
    }

    function test_refusesBadGuardians() public {
        I.Config memory config = _config();
        config.guardians = new address[](0);
        _expectRefusal(config);
        config.guardians = new address[](16);
        for (uint256 i; i < 16; ++i) {
            config.guardians[i] = address(uint160(i + 1));
        }
        _expectRefusal(config);
        config = _config();
        config.guardians[1] = config.guardians[0];
        _expectRefusal(config);
        config.guardians[1] = address(0);
        _expectRefusal(config);
    }

    function test_refusesBadProvidersGovernorAndDelays() public {
        I.Config memory config = _config();
        config.governor = address(0);
        _expectRefusal(config);
        config = _config();
        config.providers[0] = 0;
        _expectRefusal(config);
        config.providers[0] = 128;
        _expectRefusal(config);
        config.providers = new uint16[](2);
        (config.providers[0], config.providers[1]) = (PROVIDER, PROVIDER);
        _expectRefusal(config);
        config = _config();
        config.delay = 1 days - 1;
        _expectRefusal(config);
        config.delay = config.relayerSetDelay + 1;
        _expectRefusal(config);
        config.delay = 3 days;
        config.relayerSetDelay = 90 days + 1;
        _expectRefusal(config);
    }

    function test_refusesBadPoliciesAndTtl() public {
        I.Config memory config = _config();
        config.policies[0] = 0;
        _expectRefusal(config);
        config.policies = new bytes32[](2);
        (config.policies[0], config.policies[1]) = (POLICY, POLICY);
        _expectRefusal(config);
        config = _config();
        config.maxTtl = 63;
        _expectRefusal(config);
        config.maxTtl = 7 days + 1;
        _expectRefusal(config);
    }

    function test_deployScriptReadsTheEnvironment() public {
        I.Config memory config = _config();
        vm.setEnv("CHASSIS_RELAYERS", _list(config.relayers));
        vm.setEnv("CHASSIS_THRESHOLD", "3");
        vm.setEnv("CHASSIS_FREEZE_THRESHOLD", "2");
        vm.setEnv("CHASSIS_GUARDIANS", _list(config.guardians));
        vm.setEnv("CHASSIS_GOVERNOR", vm.toString(governor));
        vm.setEnv("CHASSIS_PROVIDERS", vm.toString(uint256(PROVIDER)));
        vm.setEnv("CHASSIS_DELAY", "259200");
        vm.setEnv("CHASSIS_RELAYER_SET_DELAY", "604800");
        vm.setEnv("CHASSIS_POLICIES", vm.toString(POLICY));
        vm.setEnv("CHASSIS_MAX_TTL", "86400");
        vm.setEnv("CHASSIS_RELAYER_URLS", "https://a.example,https://b.example");
        vm.setEnv("CHASSIS_DEPLOYMENT_OUT", "deployments/31337.json");
        vm.createDir("deployments", true); // a copy of the tree may lack it
        Deploy deploy = new Deploy();
        assertEq(abi.encode(deploy.readConfig()), abi.encode(config));
        registry = deploy.run();
        governance = IProofOfCloudGovernance(address(registry));
        assertEq(abi.encode(registry.relayerSet(1).members), abi.encode(config.relayers));
        _checkDeployment(vm.readFile("deployments/31337.json"), config);
    }

    /// @dev What others find in the file is what was deployed.
    function _checkDeployment(string memory json, I.Config memory config) private view {
        assertEq(vm.parseJsonUint(json, ".chainId"), block.chainid);
        assertEq(vm.parseJsonAddress(json, ".registry"), address(registry));
        assertEq(vm.parseJsonAddress(json, ".extension"), registry.EXTENSION());
        assertEq(vm.parseJsonUint(json, ".fromBlock"), vm.getBlockNumber());
        assertEq(vm.parseJsonUint(json, ".relayerSetId"), registry.control().relayerSetId);
        assertEq(abi.encode(vm.parseJsonAddressArray(json, ".relayers")), abi.encode(config.relayers));
        assertEq(vm.parseJsonUint(json, ".threshold"), config.threshold);
        assertEq(vm.parseJsonUint(json, ".freezeThreshold"), config.freezeThreshold);
        assertEq(vm.parseJsonAddress(json, ".governor"), governance.governor());
        assertEq(abi.encode(vm.parseJsonAddressArray(json, ".guardians")), abi.encode(config.guardians));
        assertEq(vm.parseJsonUint(json, ".delay"), config.delay);
        assertEq(vm.parseJsonUint(json, ".relayerSetDelay"), config.relayerSetDelay);
        assertEq(vm.parseJsonUintArray(json, ".providers")[0], PROVIDER);
        assertEq(abi.encode(vm.parseJsonBytes32Array(json, ".policies")), abi.encode(config.policies));
        assertEq(vm.parseJsonUint(json, ".maxTtl"), registry.MAX_TTL());
        assertEq(vm.parseJsonStringArray(json, ".relayerUrls")[1], "https://b.example");
        assertEq(vm.parseJsonStringArray(json, ".archives").length, 0);
    }

    function _list(address[] memory accounts) private pure returns (string memory list) {
        for (uint256 i; i < accounts.length; ++i) {
            list = string.concat(list, i == 0 ? "" : ",", vm.toString(accounts[i]));
        }
    }
}
