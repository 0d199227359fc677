// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

/// @notice The vector file: one section for each encoding, each with an `input` and an `output`. One side, Solidity or
/// Rust, makes a section; both compute its output from its input. `docs/ENCODING.md` says the encodings in words.
/// @dev Whatever is put into an object must be what the file has there; or, if vectors are to be written, becomes it.
/// Objects are named as the file nests them, as in `report.input`.
abstract contract VectorFile is Test {
    string private constant PATH = "test/vectors/encoding.json";

    mapping(string object => string json) private _json;
    mapping(string object => uint256 count) private _keys;

    function _vectors() internal view returns (string memory) {
        return vm.readFile(PATH);
    }

    function _writing() private view returns (bool) {
        return vm.envOr("CHASSIS_WRITE_VECTORS", false);
    }

    function _put(string memory object, string memory key, string memory value) internal {
        _added(object, vm.serializeString(object, key, value));
        if (!_writing()) assertEq(vm.parseJsonString(_vectors(), _path(object, key)), value, _path(object, key));
    }

    function _put(string memory object, string memory key, address value) internal {
        _added(object, vm.serializeAddress(object, key, value));
        if (!_writing()) assertEq(vm.parseJsonAddress(_vectors(), _path(object, key)), value, _path(object, key));
    }

    function _put(string memory object, string memory key, bytes32 value) internal {
        _added(object, vm.serializeBytes32(object, key, value));
        if (!_writing()) assertEq(vm.parseJsonBytes32(_vectors(), _path(object, key)), value, _path(object, key));
    }

    function _put(string memory object, string memory key, bytes memory value) internal {
        _added(object, vm.serializeBytes(object, key, value));
        if (!_writing()) assertEq(vm.parseJsonBytes(_vectors(), _path(object, key)), value, _path(object, key));
    }

    function _put(string memory object, string memory key, bytes32[] memory value) internal {
        _added(object, vm.serializeBytes32(object, key, value));
        if (!_writing()) assertEq(vm.parseJsonBytes32Array(_vectors(), _path(object, key)), value, _path(object, key));
    }

    function _put(string memory object, string memory key, uint256[] memory value) internal {
        _added(object, vm.serializeUint(object, key, value));
        if (!_writing()) assertEq(vm.parseJsonUintArray(_vectors(), _path(object, key)), value, _path(object, key));
    }

    /// @dev A struct: its type string, and itself as `abi.encode` makes it.
    function _putStruct(string memory object, string memory key, string memory types, bytes memory value) internal {
        _added(object, vm.serializeString(object, key, vm.serializeJsonType(types, value)));
        if (_writing()) return;
        assertEq(vm.parseJsonType(_vectors(), _path(object, key), types), value, _path(object, key));
    }

    /// @dev The object `object.key`, of which everything has been put: the file has nothing else there.
    function _putObject(string memory object, string memory key) internal {
        string memory inner = string.concat(object, ".", key);
        _added(object, vm.serializeString(object, key, _json[inner]));
        if (_writing()) return;
        assertEq(vm.parseJsonKeys(_vectors(), string.concat(".", inner)).length, _keys[inner], inner);
    }

    /// @dev Ends a section. All others stay as they are.
    function _section(string memory name) internal {
        if (!_writing()) return;
        string memory file = string.concat("file with ", name);
        vm.serializeJson(file, _vectors());
        vm.writeJson(vm.serializeString(file, name, _json[name]), PATH);
    }

    function _added(string memory object, string memory json) private {
        _json[object] = json;
        ++_keys[object];
    }

    function _path(string memory object, string memory key) private pure returns (string memory) {
        return string.concat(".", object, ".", key);
    }
}
