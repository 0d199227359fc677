// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IProofOfCloudGovernance as IGov} from "../../src/interfaces/IProofOfCloudGovernance.sol";
import {IProofOfCloudRegistry as I} from "../../src/interfaces/IProofOfCloudRegistry.sol";
import {ReportLib} from "../../src/libraries/ReportLib.sol";
import {Reports} from "./Reports.sol";

/// @notice Anybody convicts a relayer that signed two results of one appraisal; or tries to convict one that did not.
abstract contract Proofs is Reports {
    enum Flaw {
        None,
        OneResult,
        OtherAppraisal,
        NotCarried,
        OtherSigner,
        OtherRegistry,
        OtherChain
    }

    function prove(uint256 seed) external {
        uint256 r = _random(seed);
        uint256 setId = currentSet > 1 && r % 3 == 0 ? currentSet - 1 : currentSet;
        Flaw flaw = (r >> 8) % 4 == 0 ? Flaw.None : Flaw(1 + (r >> 16) % uint256(type(Flaw).max));
        // The guilty one is the member that others disable as well, so that two are left.
        uint256 index = flaw == Flaw.None ? sets[setId].crew % SET_SIZE : (r >> 24) % SET_SIZE;
        IGov.Posting memory a = _posting(r, setId, index, 2, Flaw.None);
        IGov.Posting memory b = _posting(r, setId, index, flaw == Flaw.OneResult ? 2 : 3, flaw);
        if ((r >> 32) % 2 == 0) (a, b) = (b, a);
        View memory before = _look();
        bytes memory data = abi.encodeCall(IGov.proveEquivocation, (uint32(setId), uint8(index), a, b));
        (bool ok,) = _send(stranger, data);
        bool guilty = flaw == Flaw.None && (sets[setId].disabled >> index) & 1 == 0;
        if (ok != guilty) _breaks(guilty ? 0 : 8, "an innocent relayer was convicted, or a guilty one got away");
        if (ok) sets[setId].disabled |= 1 << index;
        ++did[ok ? Effect.Conviction : Effect.Acquittal];
        _settle(before, false);
    }

    function _posting(uint256 r, uint256 setId, uint256 index, uint8 binding, Flaw flaw)
        private
        returns (IGov.Posting memory p)
    {
        p.result.evidenceDigest = bytes32(r);
        p.result.asOf = uint40(_now());
        if (flaw == Flaw.OtherAppraisal) _change(p.result, (r >> 40) % 4);
        p.result.binding = binding;
        p.report = _report();
        p.report.relayerSetId = uint32(setId);
        bytes32 digest = ReportLib.hash(p.result);
        if (flaw == Flaw.NotCarried) digest = keccak256(abi.encode(digest));
        _addDigest(p.report, keccak256("somebody else's"));
        if ((r >> 48) % 2 == 0) {
            _addDigest(p.report, digest);
        } else {
            p.report.grants = new I.Grant[](1);
            p.report.grants[0].digest = digest;
        }
        if (flaw == Flaw.OtherChain) vm.chainId(ELSEWHERE);
        bytes32 signed = (flaw == Flaw.OtherRegistry ? twin : registry).hashReport(p.report);
        if (flaw == Flaw.OtherChain) vm.chainId(HOME);
        if (flaw == Flaw.OtherSigner) index = (index + 1) % SET_SIZE;
        p.signature = _signAs(sets[setId].crew, signed, 1 << index);
    }

    function _change(I.AttestationResult memory result, uint256 field) private pure {
        if (field == 0) result.evidenceDigest = keccak256("other evidence");
        else if (field == 1) result.policyDigest = keccak256("other policy");
        else if (field == 2) result.endorsementsDigest = keccak256("other endorsements");
        else ++result.asOf;
    }
}
