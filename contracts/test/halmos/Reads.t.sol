// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @notice What an answer means, whatever is stored.
contract ReadsCheck is SymbolicTest {
    /// @notice Invariant 1: `isAttested(o, t)` implies `t < expiry <= t + MAX_TTL`, status Active, provider not frozen,
    /// not paused. That no frozen or revoked platform has a live lane is shown in `Down.t.sol`.
    function check_attestedMeansLive(address operator, uint256 control, uint256 time) public {
        _anyState(control, time);
        _assumeStatus(operator);
        if (!registry.isAttested(operator)) return;
        uint256 word = registry.operatorWord(operator);
        uint256 expiry = _laneWord(word & type(uint24).max) / 64 * 64;
        assert(time < expiry);
        assert(expiry <= time + MAX_TTL);
        assert(I.Status((word >> 24) & 7) == I.Status.Active);
        assert((control >> (1 + ((word >> 46) & 127))) & 1 == 0);
        assert(control & 1 == 0);
    }

    /// @notice And it answers true whenever it should.
    function check_theAnswerIsTheWords(address operator, uint256 control, uint256 time) public {
        _anyState(control, time);
        _assumeStatus(operator);
        assert(registry.isAttested(operator) == _attested(operator));
    }

    /// @notice Invariant 7: `isAttested(o, r)` if and only if `requireAttested(o, r)` does not revert. And invariant 9:
    /// the boolean form never does.
    function check_bothFormsAgree(address operator, I.Requirement memory r, uint256 control, uint256 time) public {
        _anyState(control, time);
        _assumeStatus(operator);
        (bool answered, bytes memory answer) =
            address(registry).staticcall(abi.encodeWithSignature(ASK_WITH_REQUIREMENT, operator, r));
        (bool passed,) = address(registry).staticcall(abi.encodeCall(I.requireAttested, (operator, r)));
        assert(answered);
        assert(abi.decode(answer, (bool)) == passed);
    }

    /// @notice A requirement only ever takes away: whom it accepts, the empty one accepts.
    function check_demandsOnlyNarrow(address operator, I.Requirement memory r, uint256 control, uint256 time) public {
        _anyState(control, time);
        _assumeStatus(operator);
        if (!registry.isAttested(operator, r)) return;
        uint256 word = registry.operatorWord(operator);
        assert(registry.statusOf(operator) == I.Status.Active);
        assert((word >> 27) & 3 >= r.minBinding);
        assert((word >> 29) & 3 >= r.minCustody);
        assert(r.maxTcb == 0 || (word >> 31) & 7 <= r.maxTcb);
        assert(r.provider == 0 || (word >> 46) & 127 == r.provider);
        assert(!r.requireKeyInTd || (word >> 38) & 1 == 1);
        assert(r.teeClasses == 0 || (r.teeClasses >> ((word >> 34) & 15)) & 1 == 1);
    }

    /// @notice The bare question is the default requirement's, and never reverts.
    function check_theDefaultIsTheDefaultRequirement(address operator, uint256 control, uint256 time) public {
        _anyState(control, time);
        _assumeStatus(operator);
        I.Requirement memory r;
        (r.minBinding, r.minCustody, r.maxTcb) = (2, 1, 1);
        (bool answered, bytes memory answer) =
            address(registry).staticcall(abi.encodeWithSignature("isAttested(address)", operator));
        assert(answered);
        assert(abi.decode(answer, (bool)) == registry.isAttested(operator, r));
    }

    string private constant ASK_WITH_REQUIREMENT =
        "isAttested(address,(uint8,uint8,uint8,uint16,uint32,uint32,bool,bytes32,uint16))";
}
