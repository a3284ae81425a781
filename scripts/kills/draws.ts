import { createHash } from "node:crypto"

/** Numbers from 0 up to 1 that a seed decides, each by what it is drawn for: so a run can be repeated, and a change of one draw moves no other. */
export type Draws = (...what: ReadonlyArray<string | number>) => number

export const drawsOf =
  (seed: number): Draws =>
  (...what) =>
    createHash("sha256")
      .update(JSON.stringify([seed, ...what]))
      .digest()
      .readUInt32BE(0) /
    2 ** 32

/** One of these, as often as its weight says. */
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
