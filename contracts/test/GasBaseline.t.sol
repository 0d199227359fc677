// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../src/interfaces/IProofOfCloudRegistry.sol";
import {PlainRegistry} from "./baseline/PlainRegistry.sol";
import {GasFixture} from "./utils/GasFixture.sol";

/// @notice What the lanes are worth: 128 operators renewed here and in a plain registry, in one run, both whole
/// transactions in steady state with three signatures. `snapshots/Baseline.json`.
contract BaselineGasTest is GasFixture {
    string private constant GROUP = "Baseline";
    uint256 private constant FLEET = 128;

    function test_renew_128() public {
        uint256 plain = _renewPlain();
        uint256 lanes = _renewLanes();
        vm.snapshotValue(GROUP, "plain_renew_128", plain);
        vm.snapshotValue(GROUP, "registry_renew_128", lanes);
        vm.snapshotValue(GROUP, "ratio_percent", 100 * plain / lanes);
        assertGe(2 * plain, 7 * lanes, "less than 3.5 times cheaper");
    }

    function _renewLanes() private returns (uint256) {
        _grantMany(0, FLEET + 8, false);
        I.Report memory report = _renewMany(16, FLEET, 1);
        registry.post(report, MASK, _signed(report));
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertEq(registry.attestationOf(_who(FLEET)).expiry, _floor(START + 2 hours + TTL - 64));
        return used;
    }

    function _renewPlain() private returns (uint256 used) {
        address[] memory operators = new address[](FLEET);
        PlainRegistry.Renewal[] memory renewals = new PlainRegistry.Renewal[](FLEET);
        uint40 expiry = uint40(vm.getBlockTimestamp()) + 2 days;
        for (uint256 i; i < FLEET; ++i) {
            operators[i] = _who(i);
            renewals[i] = PlainRegistry.Renewal(operators[i], expiry, keccak256(abi.encode("digest", i)));
        }
        PlainRegistry plain = new PlainRegistry(_config().relayers, THRESHOLD, operators);
        uint40 issuedAt = uint40(vm.getBlockTimestamp()) + 1;
        bytes[] memory signatures = _signAscending(plain.hashBatch(issuedAt, renewals));
        plain.renew(issuedAt, renewals, signatures);
        used = vm.lastCallGas().gasTotalUsed;
        (uint40 stored,,,,,) = plain.attestations(_who(FLEET - 1));
        assertEq(stored, expiry);
    }

    /// @dev Of the first relayers, by ascending address, 65 bytes each.
    function _signAscending(bytes32 digest) private pure returns (bytes[] memory signatures) {
        signatures = new bytes[](THRESHOLD);
        address last;
        for (uint256 n; n < THRESHOLD; ++n) {
            uint256 best = type(uint256).max;
            for (uint256 i; i < THRESHOLD; ++i) {
                address candidate = vm.addr(_key(i));
                if (candidate > last && (best == type(uint256).max || candidate < vm.addr(_key(best)))) best = i;
            }
            last = vm.addr(_key(best));
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(best), digest);
            signatures[n] = abi.encodePacked(r, s, v);
        }
    }
}
