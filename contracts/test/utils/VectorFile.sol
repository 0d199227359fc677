// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

/// @notice The vector file: one object for each encoding, each with an `input` and an `output`. One side, Solidity or
/// Rust, makes a section; both compute its output from its input. `docs/ENCODING.md` says the encodings in words.
abstract contract VectorFile is Test {
    string private constant PATH = "test/vectors/encoding.json";

    function _vectors() internal view returns (string memory) {
        return vm.readFile(PATH);
    }

    /// @dev The file's section must be what was made, key by key and value by value; or becomes that, if vectors are
    /// to be written. All others stay as they are.
    function _compareSection(string memory name, string memory input, string memory output) internal {
        string memory section = string.concat("section ", name);
        vm.serializeString(section, "input", input);
        section = vm.serializeString(section, "output", output);
        string memory file = string.concat("file for ", name);
        string memory kept = vm.serializeJson(file, _vectors());
        string memory made = vm.serializeString(file, name, section);
        if (keccak256(bytes(kept)) == keccak256(bytes(made))) return;
        assertTrue(
            vm.envOr("CHASSIS_WRITE_VECTORS", false),
            string.concat(name, " is not what the vector file says; if it is meant to change, see docs/ENCODING.md")
        );
        vm.writeJson(made, PATH);
    }
}
