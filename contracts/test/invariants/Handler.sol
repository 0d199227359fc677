// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {Deliveries} from "./Deliveries.sol";
import {Proofs} from "./Proofs.sol";
import {Raises} from "./Raises.sol";
import {SignedOrders} from "./SignedOrders.sol";

/// @notice Everybody who can touch a registry, by one number per call. Each call checks the registry against the model
/// before it returns.
contract Handler is Deliveries, SignedOrders, Raises, Proofs {
    function wait(uint256 seed) external {
        uint256 r = _random(seed);
        View memory before = _look();
        vm.warp(_now() + 1 + (r % 3 == 0 ? (r >> 8) % 40 hours : (r >> 8) % 20 minutes));
        View memory now_ = _look();
        _nothingRose(before, now_, 0);
        _checkState(now_);
    }

    /// @dev Asks about an operator, known or not, with any requirement.
    function ask(uint256 seed) external {
        uint256 r = _random(seed);
        I.Requirement memory q = _default();
        q.minBinding = uint8((r >> 8) % 4);
        if (r % 4 == 0) (q.minCustody, q.maxTcb) = (uint8((r >> 16) % 4), uint8((r >> 24) % 8));
        if ((r >> 32) % 4 == 0) q.teeClasses = uint16(r >> 40);
        if ((r >> 56) % 3 == 0) q.maxAge = uint32((r >> 64) % 5 days);
        if ((r >> 96) % 3 == 0) q.minContinuity = uint32((r >> 104) % 3 days);
        q.requireKeyInTd = (r >> 136) % 4 == 0;
        if ((r >> 144) % 3 == 0) q.workload = keccak256(abi.encode("workload", (r >> 152) % 3));
        if ((r >> 160) % 3 == 0) q.provider = uint16(6 + (r >> 168) % 3);
        for (uint256 o; o <= OPERATORS; ++o) {
            _ask(who(o), q);
            _ask(who(o), _default());
        }
    }

    /// @notice Looks at the registry as it stands.
    function look() external {
        _checkState(_look());
    }

    /// @notice One action or another, for walks without the fuzzer.
    function step(uint256 seed) external {
        uint256 kind = _random(seed ^ 1) % 18;
        bytes4[18] memory all = [
            this.attest.selector,
            this.attest.selector,
            this.attest.selector,
            this.renew.selector,
            this.launch.selector,
            this.deliver.selector,
            this.forge.selector,
            this.stop.selector,
            this.revoke.selector,
            this.deregister.selector,
            this.signOrder.selector,
            this.sendOrder.selector,
            this.submit.selector,
            this.execute.selector,
            _random(seed ^ 2) % 2 == 0 ? this.veto.selector : this.intrude.selector,
            this.prove.selector,
            this.crowd.selector,
            _random(seed ^ 2) % 2 == 0 ? this.wait.selector : this.ask.selector
        ];
        (bool ok, bytes memory answer) = address(this).call(abi.encodeWithSelector(all[kind], seed));
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}
