// Mutants of the quorum, lane and status code: `bin/mutants` builds them all at once and expects the tests to notice each.
// [file, text with one ⟦expression⟧ in it, what stands there instead...]. The text must occur exactly once. A mutant
// `{ is, because }` changes nothing that anybody could notice, for the reason given, and is expected to survive.
"use strict";

module.exports = [
  // ------------------------------------------------------------------------------------------------- quorum
  ["libraries/Quorum.sol", "⟦mask >> set.size() != 0⟧", "false", "mask >> (set.size() + 1) != 0"],
  ["libraries/Quorum.sol", "⟦mask & set.disabled() != 0⟧", "false"],
  ["libraries/Quorum.sol", "⟦_bits(mask) != threshold⟧", "_bits(mask) < threshold", "_bits(mask) > threshold"],
  ["libraries/Quorum.sol", "⟦signatures.length != 64 * threshold⟧", "false", "signatures.length < 64 * threshold"],
  [
    "libraries/Quorum.sol",
    "⟦err != ECDSA.RecoverError.NoError⟧",
    { is: "false", because: "a failed recovery answers the zero address, and no member is zero" },
  ],
  [
    "libraries/Quorum.sol",
    "⟦signer != RelayerSetWordLib.memberAt(members, i)⟧",
    "false",
    "signer != RelayerSetWordLib.memberAt(members, 0)",
  ],
  ["libraries/Quorum.sol", "offset += ⟦64⟧", "0"],
  ["libraries/RelayerSetWord.sol", "⟦w.retiredAt() == 0 || time < w.retiredAt()⟧", "true", "w.retiredAt() == 0"],

  // ------------------------------------------------------------------------------------------------- lanes
  ["libraries/Lanes.sol", "⟦expiry(word) > time⟧", "expiry(word) >= time", "true"],
  [
    "libraries/Lanes.sol",
    "⟦(newExpiry & ~GENERATION) | ((word + 1) & GENERATION)⟧",
    "(newExpiry & ~GENERATION) | (word & GENERATION)",
    "newExpiry | ((word + 1) & GENERATION)",
  ],
  [
    "libraries/Lanes.sol",
    "function zeroed(uint256 word) internal pure returns (uint256) {\n        return ⟦word & GENERATION⟧",
    "word",
    "0",
  ],
  ["libraries/Lanes.sol", "⟦generation(word) != generation(renewal)⟧", "false"],
  ["libraries/Lanes.sol", "⟦renewal <= word⟧", "renewal < word", "false"],
  ["libraries/Lanes.sol", "⟦expiry(renewal) > latest⟧", "false", "expiry(renewal) >= latest"],
  ["libraries/Lanes.sol", "return ⟦(slot & ~(WORD << shift(i)))⟧", "slot"],
  ["base/Renewals.sol", "⟦renewals.length % GROUP != 0⟧", "false"],
  ["base/Renewals.sol", "⟦slot < least⟧", "false"],
  ["base/Renewals.sol", "least = ⟦slot + 1⟧", "slot"],
  ["base/Renewals.sol", "latest = ⟦block.timestamp + _MAX_TTL⟧", "block.timestamp + _MAX_TTL + 64"],
  [
    "base/Renewals.sol",
    "⟦Lanes.renewable(word, renewal, block.timestamp, latest)⟧",
    "true",
    "Lanes.live(word, block.timestamp) && renewal > word && Lanes.expiry(renewal) <= latest",
    "Lanes.live(word, block.timestamp) && (word ^ renewal) & 63 == 0 && Lanes.expiry(renewal) <= latest",
    "Lanes.live(word, block.timestamp) && (word ^ renewal) & 63 == 0 && renewal > word",
    "(word ^ renewal) & 63 == 0 && renewal > word && Lanes.expiry(renewal) <= latest",
  ],
  ["base/Renewals.sol", "if (⟦taken == all.length⟧)", "false"],
  ["base/Renewals.sol", "if (⟦taken != all.length⟧)", "false"],
  [
    "base/Renewals.sol",
    "if (⟦result != stored⟧)",
    { is: "true", because: "it writes what is there already: dearer, and the gas snapshots see it" },
  ],
  ["base/Renewals.sol", "words = ⟦Lanes.put(words, i, 0)⟧", "words"],
  ["base/Renewals.sol", "batch.leafCount = ⟦first + kept⟧", "first"],

  // ------------------------------------------------------------------------------------------------- status
  ["base/Changes.sol", "if (⟦o.status() == I.Status.Revoked⟧)", "false"],
  ["base/Changes.sol", "if (⟦p.status() == I.Status.Revoked⟧)", "false"],
  ["base/Changes.sol", "_zeroLane(⟦o.lane()⟧)", "0"],
  ["base/Changes.sol", "if (⟦provider == 0 || provider > MAX_PROVIDER⟧)", "provider > MAX_PROVIDER", "provider == 0"],
  ["base/Changes.sol", "if (⟦c.providerFrozen(provider)⟧)", "false"],
  ["base/Changes.sol", "if (⟦c.paused()⟧)", "false"],
  [
    "base/Changes.sol",
    "⟦mine != 0 && block.timestamp < mine + FREEZE_AGAIN_AFTER⟧",
    "false",
    "mine != 0 && block.timestamp <= mine + FREEZE_AGAIN_AFTER",
  ],
  [
    "base/Changes.sol",
    "⟦lastSeat == 0 || lastSeat == seat || block.timestamp >= last + FREEZE_AGAIN_AFTER⟧",
    "true",
    {
      is: "lastSeat == 0 || lastSeat == seat",
      because: "what is put aside too late is older than 30 days and stops nobody",
    },
  ],
  ["base/Changes.sol", "if (⟦lastSeat == seat⟧)", "false"],
  ["base/Changes.sol", "return ⟦more⟧ ?", "false"],
  ["base/PlatformLanes.sol", "function _zeroLanes(bytes32 id, PlatformWord p) internal {\n        uint256 n = ⟦p.count()⟧", "0", "p.count() > 3 ? 3 : p.count()"],
  ["base/PlatformLanes.sol", "⟦!Lanes.live(word, block.timestamp)⟧", "false", "true"],
  ["base/PlatformLanes.sol", "⟦expiry < limit ? expiry : limit⟧", "limit", "expiry"],
  ["base/PlatformLanes.sol", "i < MAX_OPERATORS_PER_PLATFORM && ⟦Lanes.live(_laneWord(_platformLane(id, p, i)), block.timestamp)⟧", "true", "false"],

  // ------------------------------------------------------------------------------------------------- grants
  ["base/Grants.sol", "⟦g.statusNonce != o.statusNonce()⟧", "false"],
  ["base/Grants.sol", "⟦issuedAt <= o.issuedAt()⟧", "issuedAt < o.issuedAt()"],
  ["base/Grants.sol", "if (⟦status == Status.Revoked⟧)", "false"],
  [
    "base/Grants.sol",
    "⟦status == Status.Frozen && block.timestamp < o.since() + FREEZE_BLOCKS_GRANTS⟧",
    "false",
    "status == Status.Frozen && block.timestamp <= o.since() + FREEZE_BLOCKS_GRANTS",
  ],
  [
    "base/Grants.sol",
    "⟦status != Status.Active && g.evidenceTime <= o.evidenceTime()⟧",
    "false",
    "status != Status.Active && g.evidenceTime < o.evidenceTime()",
    "g.evidenceTime <= o.evidenceTime()",
  ],
  ["base/Grants.sol", "⟦p.status() != Status.Active || issuedAt < p.issuedAt()⟧", "issuedAt < p.issuedAt()", "p.status() != Status.Active"],
  ["base/Grants.sol", "⟦g.custody > p.custody()⟧", "false"],
  ["base/Grants.sol", "⟦g.expiry > block.timestamp + _MAX_TTL⟧", "false", "g.expiry >= block.timestamp + _MAX_TTL"],
  ["base/Grants.sol", "⟦g.expiry > p.custodyExpiry()⟧", "false", "g.expiry >= p.custodyExpiry()"],
  ["base/Grants.sol", "⟦g.expiry <= uint256(g.evidenceTime) + g.ttl⟧", "true", "g.expiry < uint256(g.evidenceTime) + g.ttl"],
  ["base/Grants.sol", "⟦g.evidenceTime <= issuedAt⟧", "true"],
  ["base/Grants.sol", "⟦holder == operator || !instance.heldBy(h)⟧", "!instance.heldBy(h)", "holder == operator", "true"],
  ["base/Grants.sol", "if (⟦h.status() == Status.Revoked⟧)", "false"],
  ["base/Grants.sol", "⟦block.timestamp < h.since() + FREEZE_BLOCKS_GRANTS⟧", "true", "false"],
  ["base/Grants.sol", "⟦Lanes.live(word, block.timestamp)⟧ ?", "true", "false"],
  ["base/Grants.sol", "if (⟦o.platformIndex() == to.index()⟧)", "true"],

  // ------------------------------------------------------------------------------------------------- reads
  ["base/Reads.sol", "if (⟦c.paused()⟧)", "false"],
  ["base/Reads.sol", "if (⟦status != Status.Active⟧)", "status == Status.Unknown"],
  ["base/Reads.sol", "if (⟦c.providerFrozen(o.provider())⟧)", "false"],
  ["base/Reads.sol", "if (⟦expiry <= block.timestamp⟧)", "expiry < block.timestamp"],
  ["base/Reads.sol", "if (⟦expiry > block.timestamp + _MAX_TTL⟧)", "false", "expiry >= block.timestamp + _MAX_TTL"],
  ["base/Reads.sol", "⟦o.binding() >= DEFAULT_MIN_BINDING⟧", "true"],
  ["base/Reads.sol", "⟦o.custody() >= DEFAULT_MIN_CUSTODY⟧", "true"],
  ["base/Reads.sol", "⟦o.tcb() <= DEFAULT_MAX_TCB⟧", "true"],
  ["base/Reads.sol", "⟦block.timestamp > _attestedAt(o, expiry) + r.maxAge⟧", "block.timestamp >= _attestedAt(o, expiry) + r.maxAge"],
  ["base/Reads.sol", "⟦block.timestamp < o.since() + r.minContinuity⟧", "block.timestamp <= o.since() + r.minContinuity"],
  ["base/Reads.sol", "⟦batch >= next || next - batch > ROOTS⟧", "batch >= next", "batch >= next || next - batch >= ROOTS"],
];
