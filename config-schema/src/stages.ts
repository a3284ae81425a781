import { quoted } from "./bounds.ts"
import { misuse } from "./misuse.ts"

const isPattern = (name: string) => /^[a-z0-9*-]+$/.test(name) && name.split("*").length <= 2

interface Pattern {
  readonly name: string
  readonly matches: (stage: string) => boolean
  /** A pattern with more literal characters is more specific. A name without `*` is the most specific. */
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
 * Defines values for each stage, by name or by a pattern with one `*` for any text. The most specific match counts. The result returns the values
 * of a stage, and refuses a stage that nothing matches.
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
        `defineStages has no values for the stage ${quoted(stage)}. It has ${listed(names)}: add the stage, or deploy one of these.`,
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
    // The key is one of the object's own, so this only informs the compiler.
    if (values === undefined) throw misuse(`"${best.name}" has no values in defineStages. Add some.`, valuesOf)
    return values
  }
}
