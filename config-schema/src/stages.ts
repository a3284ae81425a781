import { quoted } from "./bounds.ts"
import { misuse } from "./misuse.ts"

const isPattern = (name: string) => /^[a-z0-9*-]+$/.test(name) && name.split("*").length <= 2

interface Pattern {
  readonly name: string
  readonly matches: (stage: string) => boolean
  /** More of its own letters make a pattern more specific, and a name without `*` is the most specific. */
  readonly rank: number
}

const patternOf = (name: string): Pattern => {
  const [start = "", end] = name.split("*")
  if (end === undefined) return { name, matches: (stage) => stage === name, rank: Infinity }
  const letters = start.length + end.length
  const matches = (stage: string) => stage.length >= letters && stage.startsWith(start) && stage.endsWith(end)
  return { name, matches, rank: letters }
}

const listed = (names: ReadonlyArray<string>) => names.map((name) => `"${name}"`).join(", ")

/**
 * Values for each stage, by its name or by a pattern, in which one `*` stands for any text. The most specific match counts. The result gives the values of
 * a stage, and refuses one that nothing matches.
 *
 * ```ts
 * const settings = defineStages({ production: { min: 2 }, "preview-*": { min: 0 } })
 * export default defineConfig(({ stage }) => ({ app: "shop", services: [service("web", { image, scale: settings(stage) })] }))
 * ```
 */
export const defineStages = <const T>(stages: Readonly<Record<string, T>>): ((stage: string) => T) => {
  const names = Object.keys(stages)
  const wrong = names.find((name) => !isPattern(name))
  if (wrong !== undefined) {
    throw misuse(
      `${quoted(wrong)} can't match a stage. Use lowercase letters, digits and "-", and one "*" for any text.`,
      defineStages
    )
  }
  const patterns = names.map(patternOf)
  return function valuesOf(stage) {
    const matching = patterns.filter((each) => each.matches(stage)).toSorted((a, b) => b.rank - a.rank)
    const [best, next] = matching
    if (best === undefined) {
      throw misuse(
        `defineStages has no values for the stage ${quoted(stage)}. It knows ${listed(names)}: add the stage, or deploy one of these.`,
        valuesOf
      )
    }
    if (next !== undefined && next.rank === best.rank) {
      throw misuse(
        `"${best.name}" and "${next.name}" match the stage ${quoted(stage)} equally well. Add "${stage}" to defineStages.`,
        valuesOf
      )
    }
    const values = stages[best.name]
    // The key is one of the object's own, so this only tells the compiler.
    if (values === undefined) throw misuse(`"${best.name}" has no values in defineStages. Give it some.`, valuesOf)
    return values
  }
}
