import { createHash } from "node:crypto"

/** Numbers from 0 to 1, derived from the seed and their purpose. So a run can be repeated, and changing one draw doesn't affect the others. */
export type Draws = (...what: ReadonlyArray<string | number>) => number

export const drawsOf =
  (seed: number): Draws =>
  (...what) =>
    createHash("sha256")
      .update(JSON.stringify([seed, ...what]))
      .digest()
      .readUInt32BE(0) /
    2 ** 32

/** Picks one at random, in proportion to the weights. */
export const pick = <A>(draw: number, choices: ReadonlyArray<readonly [A, weight: number]>): A => {
  const total = choices.reduce((sum, [, weight]) => sum + weight, 0)
  let left = draw * total
  for (const [choice, weight] of choices) {
    left -= weight
    if (left < 0) return choice
  }
  const last = choices.at(-1)
  if (last === undefined) throw new Error("nothing to pick from")
  return last[0]
}
