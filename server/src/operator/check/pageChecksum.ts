/** For a page of Postgres as it's built for us. */
export const pageBytes = 8192

/** Pages in a segment of a table's file: 1 GiB. */
export const segmentPages = 131_072

const lanes = 32
const prime = 16_777_619

/** The lanes' initial values in src/include/storage/checksum_impl.h of Postgres. */
const offsets = Uint32Array.of(
  ...[0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c],
  ...[0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb],
  ...[0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4],
  ...[0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756]
)

const checksumAt = 8
const upperAt = 14

/**
 * The checksum that Postgres writes into the page (8 KiB) at index `block` of its file: FNV-1a in 32 lanes, bound to the
 * block's number (checksum_impl.h). The two checksum bytes in the page count as zeros.
 */
export const pageChecksum = (page: Buffer, block: number): number => {
  const sums = Uint32Array.from(offsets)
  const words = new Uint32Array(pageBytes / 4)
  for (let at = 0; at < words.length; at++) words[at] = page.readUInt32LE(at * 4)
  words[checksumAt / 4] = (words[checksumAt / 4] ?? 0) & 0xffff0000
  const take = (lane: number, word: number) => {
    const mixed = (sums[lane] ?? 0) ^ word
    sums[lane] = Math.imul(mixed, prime) ^ (mixed >>> 17)
  }
  for (let at = 0; at < words.length; at++) take(at % lanes, words[at] ?? 0)
  for (let round = 0; round < 2; round++) for (let lane = 0; lane < lanes; lane++) take(lane, 0)
  const all = sums.reduce((sum, one) => sum ^ one, 0)
  return (((all ^ block) >>> 0) % 65_535) + 1
}

/** Is it as Postgres wrote it? A page that was never used is all zeros and has no checksum. */
export const isWholePage = (page: Buffer, block: number): boolean =>
  page.readUInt16LE(upperAt) === 0
    ? page.every((value) => value === 0)
    : page.readUInt16LE(checksumAt) === pageChecksum(page, block)
